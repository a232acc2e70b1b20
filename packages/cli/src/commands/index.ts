import type { RegisteredCommand } from '../define-command.ts'
import { cache } from './cache.ts'
import { demo } from './demo.ts'
import { diff } from './diff.ts'
import { init } from './init.ts'
import { join } from './join.ts'
import { list } from './list.ts'
import { origin } from './origin.ts'
import { publish } from './publish.ts'
import { replay } from './replay.ts'
import { rollback } from './rollback.ts'
import { show } from './show.ts'
import { ledger } from './ledger.ts'
import { simulate } from './simulate.ts'
import { status } from './status.ts'
import { verify } from './verify.ts'

/** In the order of the help: try it, publish, serve, join, look. */
export const COMMANDS: readonly RegisteredCommand[] = [
  demo,
  init,
  publish,
  origin,
  cache,
  join,
  verify,
  rollback,
  list,
  show,
  diff,
  status,
  replay,
  ledger,
  simulate,
]
