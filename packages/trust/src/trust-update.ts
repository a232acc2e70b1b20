import assert from 'node:assert/strict'
import { METADATA_BYTES_MAX } from '@cairn/protocol'
import { TrustError } from './errors.ts'
import { ROOT_STEPS_MAX } from './limits.ts'
import type { MetadataFile } from './metadata.ts'
import { fileOf, rootFileOf } from './names.ts'
import { closeState, currentRoot, isSameState, type KnownFiles, openState, type RootChain, type TrustState } from './trust-state.ts'
import { isListed, type Listed } from './verify-listed.ts'
import { verifyLedger } from './verify-ledger.ts'
import { keepsSigners, verifyNextRoot } from './verify-root.ts'
import { listedTargets, verifySnapshot } from './verify-snapshot.ts'
import { ledgersOf, verifyTargets } from './verify-targets.ts'
import { listedSnapshot, verifyTimestamp } from './verify-timestamp.ts'
import { verifyUnexpired } from './verify-unexpired.ts'

/** What a {@link TrustUpdate} needs next, or what it came to. */
export type TrustStep = { readonly file: string; readonly bytesMax: number } | { readonly done: TrustState }

/** How far the update is. Each phase holds what the ones before it established. */
type Phase =
  | { readonly type: 'root'; readonly steps: number }
  | { readonly type: 'timestamp' }
  | { readonly type: 'snapshot'; readonly timestamp: MetadataFile<'timestamp'>; readonly listed: Listed }
  | {
      readonly type: 'targets'
      readonly timestamp: MetadataFile<'timestamp'>
      readonly snapshot: MetadataFile<'snapshot'>
      readonly listed: Listed
    }
  /** `ledgers` that are still to be verified, in order; the first is next. */
  | { readonly type: 'ledgers'; readonly known: KnownFiles; readonly ledgers: readonly string[] }
  | { readonly type: 'done'; readonly state: TrustState }

/** Where an update is; a refused file leaves it untouched. */
interface Progress {
  readonly roots: RootChain
  /** What was accepted in earlier updates, until a role lost a key. */
  readonly stored: KnownFiles | undefined
  readonly phase: Phase
}

/**
 * One refresh of trust metadata, as a pure machine: `next()` names a file, `supply()` hands it in, until `next()` says `done`.
 *
 * Files come from untrusted peers, in TUF's order: the chain of roots, timestamp, snapshot, targets, ledgers. A stored file is
 * used, after the same checks, wherever it is the one that is listed; so a timestamp that is the stored one ends the update
 * unless a ledger is asked for that the state lacks.
 *
 * A file that is refused changes nothing: the same file may be supplied again from another source.
 *
 * @see TUF 5.3 to 5.6
 */
export class TrustUpdate {
  readonly #initial: TrustState
  readonly #now: number
  readonly #ledgers: readonly string[] | 'all'
  #progress: Progress

  /**
   * `now` in milliseconds since the Unix epoch holds for the whole update, so that no file can expire between two checks.
   * `ledgers` are required; with `'all'`, each that the repository has is asked for, and left out if it is not to be had:
   * the neglect of one ledger must not stop the others. Left out means unknown for now, never withdrawn: whoever withholds a
   * file must not be able to have a snapshot deleted.
   *
   * @throws {TrustError} as {@link openState}, if `state` is damaged
   */
  constructor(state: TrustState, now: number, ledgers: readonly string[] | 'all') {
    const { roots, known } = openState(state)
    this.#initial = state
    this.#now = now
    this.#ledgers = ledgers
    this.#progress = { roots, stored: known, phase: { type: 'root', steps: 0 } }
  }

  /**
   * What is established so far. Worth storing even if the update fails: a root that withdrew a stolen key must not be
   * forgotten because the thief kept the rest from us.
   */
  get accepted(): TrustState {
    const { roots, stored, phase } = this.#progress
    if (phase.type === 'done') return phase.state
    return currentRoot(roots).bytes === this.#initial.root ? this.#initial : closeState(roots, stored)
  }

  next(): TrustStep {
    const { roots, phase } = this.#progress
    switch (phase.type) {
      case 'root':
        return { file: rootFileOf(currentRoot(roots).version + 1), bytesMax: METADATA_BYTES_MAX }
      case 'timestamp':
        return { file: fileOf('timestamp'), bytesMax: METADATA_BYTES_MAX }
      case 'snapshot':
      case 'targets':
        return bounded(phase.listed)
      case 'ledgers':
        return bounded(this.#nextLedger(phase).listed)
      case 'done':
        return { done: phase.state }
      default:
        return phase satisfies never
    }
  }

  /**
   * Files that will be asked for after the one of `next()` if the peer has what is newer than ours: whoever asks for them at once saves
   * round trips. Only those that are needed in any case: what is stored may turn out to be the newest.
   */
  foreseen(): readonly string[] {
    const { stored, phase } = this.#progress
    const roles = ['timestamp', 'snapshot', 'targets', ...(this.#ledgers === 'all' ? [] : this.#ledgers)].map(fileOf)
    switch (phase.type) {
      case 'root':
        return stored === undefined ? roles : roles.slice(0, 1)
      case 'timestamp':
        return stored === undefined ? roles.slice(1) : []
      case 'snapshot':
        return stored === undefined ? roles.slice(2) : []
      case 'targets':
        return stored === undefined ? roles.slice(3) : []
      case 'ledgers':
      case 'done':
        return []
      default:
        return phase satisfies never
    }
  }

  /**
   * Hands in `file`, which is the one that `next()` asked for; `undefined` if no source has it. That is how the chain of roots
   * ends, and `MISSING` for any other file but a ledger's under `'all'`.
   *
   * @throws {TrustError} `FORGED`, `EXPIRED`, `ROLLED_BACK`, `MIXED`, `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`,
   *   `OUT_OF_SCOPE`, `MISSING` or `UNKNOWN_LEDGER`
   */
  supply(file: string, bytes: Uint8Array | undefined): void {
    const wanted = this.next()
    assert('file' in wanted && wanted.file === file, `${file} was not asked for`)
    let progress = this.#take(bytes, this.#progress)
    for (let own = this.#storedFor(progress); own !== undefined; own = this.#storedFor(progress)) progress = this.#take(own, progress)
    this.#progress = progress
  }

  #take(bytes: Uint8Array | undefined, progress: Progress): Progress {
    const { phase } = progress
    switch (phase.type) {
      case 'root':
        return bytes === undefined ? this.#endRoots(progress) : this.#takeRoot(bytes, progress, phase.steps)
      case 'timestamp':
        return this.#takeTimestamp(present(bytes, 'timestamp'), progress)
      case 'snapshot':
        return this.#takeSnapshot(present(bytes, 'snapshot'), progress, phase)
      case 'targets':
        return this.#takeTargets(present(bytes, 'targets'), progress, phase)
      case 'ledgers':
        return this.#takeLedger(bytes, progress, phase)
      case 'done':
        throw new Error('the update is done')
      default:
        return phase satisfies never
    }
  }

  #takeRoot(bytes: Uint8Array, progress: Progress, steps: number): Progress {
    const previous = currentRoot(progress.roots)
    const root = verifyNextRoot(bytes, previous)
    const stored = keepsSigners(previous.metadata.signed, root.metadata.signed) ? progress.stored : undefined
    const next: Progress = { roots: [...progress.roots, root], stored, phase: { type: 'root', steps: steps + 1 } }
    return steps + 1 < ROOT_STEPS_MAX ? next : this.#endRoots(next)
  }

  /** Only the last root of the chain must be current: the others merely lead to it. */
  #endRoots(progress: Progress): Progress {
    verifyUnexpired(currentRoot(progress.roots), this.#now)
    return { ...progress, phase: { type: 'timestamp' } }
  }

  #takeTimestamp(bytes: Uint8Array, progress: Progress): Progress {
    const timestamp = verifyTimestamp(bytes, currentRoot(progress.roots).metadata.signed, progress.stored?.timestamp)
    verifyUnexpired(timestamp, this.#now)
    return { ...progress, phase: { type: 'snapshot', timestamp, listed: listedSnapshot(timestamp) } }
  }

  #takeSnapshot(bytes: Uint8Array, progress: Progress, { timestamp, listed }: Phase & { type: 'snapshot' }): Progress {
    const snapshot = verifySnapshot(bytes, listed, currentRoot(progress.roots).metadata.signed, progress.stored?.snapshot)
    verifyUnexpired(snapshot, this.#now)
    const targets = listedTargets(snapshot.metadata.signed, 'targets')
    assert(targets !== undefined, 'every snapshot lists targets.json')
    return { ...progress, phase: { type: 'targets', timestamp, snapshot, listed: targets } }
  }

  #takeTargets(bytes: Uint8Array, progress: Progress, { timestamp, snapshot }: Phase & { type: 'targets' }): Progress {
    const targets = verifyTargets(bytes, snapshot.metadata.signed, currentRoot(progress.roots).metadata.signed)
    verifyUnexpired(targets, this.#now)
    const all = ledgersOf(targets.metadata.signed, snapshot.metadata.signed)
    const ledgers = this.#ledgers === 'all' ? all : [...new Set(this.#ledgers)]
    for (const ledger of ledgers) if (!all.includes(ledger)) throw new TrustError({ code: 'UNKNOWN_LEDGER', ledger, known: all })
    return this.#withLedgers(progress, { timestamp, snapshot, targets, ledgers: new Map() }, ledgers)
  }

  #takeLedger(bytes: Uint8Array | undefined, progress: Progress, phase: Phase & { type: 'ledgers' }): Progress {
    const { ledger, rest } = this.#nextLedger(phase)
    if (bytes === undefined && this.#ledgers === 'all') return this.#withLedgers(progress, phase.known, rest)
    const file = this.#verifyLedger(present(bytes, ledger), ledger, phase.known)
    return this.#withLedgers(progress, { ...phase.known, ledgers: new Map([...phase.known.ledgers, [ledger, file]]) }, rest)
  }

  #withLedgers(progress: Progress, known: KnownFiles, ledgers: readonly string[]): Progress {
    if (ledgers.length > 0) return { ...progress, phase: { type: 'ledgers', known, ledgers } }
    return { ...progress, phase: { type: 'done', state: this.#finish(progress, known) } }
  }

  /** The new state; the very object that the update began with if nothing changed. */
  #finish({ roots, stored }: Progress, known: KnownFiles): TrustState {
    const ledgers = new Map(known.ledgers)
    for (const [ledger, { bytes }] of stored?.ledgers ?? []) {
      // Ledgers that were not asked for this time stay only while they are what the new snapshot lists.
      const file = ledgers.has(ledger) ? undefined : attempt(() => this.#verifyLedger(bytes, ledger, known))
      if (file !== undefined) ledgers.set(ledger, file)
    }
    const state = closeState(roots, { ...known, ledgers })
    return isSameState(state, this.#initial) ? this.#initial : state
  }

  #verifyLedger(bytes: Uint8Array, ledger: string, { targets, snapshot }: KnownFiles): MetadataFile<'ledger'> {
    const file = verifyLedger(bytes, ledger, targets.metadata.signed, snapshot.metadata.signed)
    verifyUnexpired(file, this.#now)
    return file
  }

  /** The stored bytes of the file that `progress` is at, if they are the listed ones: no need to ask anyone. */
  #storedFor({ phase, stored }: Progress): Uint8Array | undefined {
    if (stored === undefined) return undefined
    switch (phase.type) {
      case 'snapshot':
        return bytesIfListed(stored.snapshot, phase.listed)
      case 'targets':
        return bytesIfListed(stored.targets, phase.listed)
      case 'ledgers': {
        const { ledger, listed } = this.#nextLedger(phase)
        const bytes = bytesIfListed(stored.ledgers.get(ledger), listed)
        // Under 'all' a stored ledger that has expired is left to the sources, and then left out.
        if (bytes === undefined || this.#ledgers !== 'all') return bytes
        return attempt(() => this.#verifyLedger(bytes, ledger, phase.known))?.bytes
      }
      case 'root':
      case 'timestamp':
      case 'done':
        return undefined
      default:
        return phase satisfies never
    }
  }

  #nextLedger({ known, ledgers }: Phase & { type: 'ledgers' }): { ledger: string; rest: readonly string[]; listed: Listed } {
    const [ledger, ...rest] = ledgers
    assert(ledger !== undefined, 'a phase without ledgers is done')
    const listed = listedTargets(known.snapshot.metadata.signed, ledger)
    assert(listed !== undefined, 'only listed ledgers are asked for')
    return { ledger, rest, listed }
  }
}

function bounded({ file, meta }: Listed): TrustStep {
  return { file, bytesMax: Math.min(meta.length ?? METADATA_BYTES_MAX, METADATA_BYTES_MAX) }
}

function present(bytes: Uint8Array | undefined, role: string): Uint8Array {
  if (bytes === undefined) throw new TrustError({ code: 'MISSING', file: fileOf(role), role })
  return bytes
}

function bytesIfListed(stored: MetadataFile | undefined, listed: Listed): Uint8Array | undefined {
  return stored !== undefined && isListed(stored, listed) ? stored.bytes : undefined
}

/** `verify()`, or undefined if it refuses. */
function attempt<T>(verify: () => T): T | undefined {
  try {
    return verify()
  } catch (error) {
    if (error instanceof TrustError) return undefined
    throw error
  }
}
