import type { CacheOptions } from './commands/cache.ts'
import type { DemoOptions } from './commands/demo.ts'
import type { DiffOptions } from './commands/diff.ts'
import type { InitOptions } from './commands/init.ts'
import type { JoinOptions } from './commands/join.ts'
import type { ListOptions } from './commands/list.ts'
import type { OriginOptions } from './commands/origin.ts'
import type { PublishOptions } from './commands/publish.ts'
import type { ReplayOptions } from './commands/replay.ts'
import type { RollbackOptions } from './commands/rollback.ts'
import type { ShowOptions } from './commands/show.ts'
import type { LedgerOptions } from './commands/ledger.ts'
import type { SimulateOptions } from './commands/simulate.ts'
import type { StatusOptions } from './commands/status.ts'
import type { VerifyOptions } from './commands/verify.ts'
import type { CommandIo } from './io.ts'

/** What each command is asked to do. */
export interface OptionsByCommand {
  readonly demo: DemoOptions
  readonly init: InitOptions
  readonly publish: PublishOptions
  readonly origin: OriginOptions
  readonly cache: CacheOptions
  readonly join: JoinOptions
  readonly verify: VerifyOptions
  readonly rollback: RollbackOptions
  readonly list: ListOptions
  readonly show: ShowOptions
  readonly diff: DiffOptions
  readonly ledger: LedgerOptions
  readonly simulate: SimulateOptions
  readonly status: StatusOptions
  readonly replay: ReplayOptions
}

export type CommandName = keyof OptionsByCommand

/**
 * Does one command. Returning is success; an error is turned into a sentence, a hint and an exit code.
 * Must stop, with everything it started, soon after `io.signal` aborts: a daemon by returning, anything else by throwing its reason.
 */
export type CommandHandler<Name extends CommandName> = (options: OptionsByCommand[Name], io: CommandIo) => Promise<void>

export type CommandHandlers = { readonly [Name in CommandName]: CommandHandler<Name> }
