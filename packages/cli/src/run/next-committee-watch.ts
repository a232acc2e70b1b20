import { join } from 'node:path'
import { decodeNextCommittee, NEXT_COMMITTEE_FILE, type ReconfigureOutcome, type Replica, type SeatKeys } from '@cairn/replica'
import type { Clock, Timer } from '@cairn/runtime'
import { readFileIfExists } from '@cairn/storage'
import type { CommandIo } from '../io.ts'

/** How soon a replica notices what its operator has written: nobody waits for it but a person. */
const LOOK_MS = 1000

const OUTCOMES: Readonly<Record<ReconfigureOutcome, string>> = {
  told: 'this replica agrees to it',
  early: 'this replica agrees to it when that epoch has begun here',
  late: 'that epoch is over',
  other: 'it does not follow the committee that decides here, and is not agreed to',
}

/** Tells a replica of each next committee that its operator puts into its directory, also of the one that is there when it starts. */
export class NextCommitteeWatch implements Disposable {
  readonly #path: string
  readonly #replica: Replica
  readonly #keys: SeatKeys
  readonly #clock: Clock
  readonly #io: CommandIo
  #seen = ''
  #timer: Timer | undefined
  #stopped = false

  constructor(directory: string, replica: Replica, keys: SeatKeys, io: CommandIo) {
    this.#path = join(directory, NEXT_COMMITTEE_FILE)
    this.#replica = replica
    this.#keys = keys
    this.#clock = io.clock
    this.#io = io
  }

  /** Looks now, and again and again. */
  async start(): Promise<void> {
    await this.#look()
    if (!this.#stopped) this.#timer = this.#clock.setTimer(LOOK_MS, () => void this.start())
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    try {
      const bytes = await readFileIfExists(this.#path)
      const text = bytes === undefined ? '' : Buffer.from(bytes).toString('utf8')
      if (this.#stopped || text === this.#seen) return
      this.#seen = text
      if (text !== '') this.#tell(text)
    } catch (error) {
      // A file that is no such file, or cannot be read: what was wanted before stands, and the replica goes on.
      this.#io.log.warn('the next committee was not understood', { path: this.#path, error: String(error) })
    }
  }

  /** @throws {ReplicaError} `BAD_LEDGER_FILE` · {LedgerError} `BAD_COMMITTEE` */
  #tell(text: string): void {
    const next = decodeNextCommittee(text, this.#path)
    // The key that joins may have been made just before.
    this.#keys.reload()
    const outcome = this.#replica.reconfigure(next)
    const { epoch, committee } = next
    this.#io.say(
      { type: 'reconfigure', epoch, committee: committee.hash, outcome },
      `committee ${committee.hash} after epoch ${epoch}: ${OUTCOMES[outcome]}`,
    )
  }
}
