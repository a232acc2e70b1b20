import { TrustError } from './errors.ts'
import type { MetadataFile } from './metadata.ts'
import { fileOf } from './names.ts'
import type { Release } from './release.ts'
import { readLedger, verifyLedger } from './verify-ledger.ts'
import { verifyFirstRoot, verifyNextRoot } from './verify-root.ts'
import { verifySnapshot } from './verify-snapshot.ts'
import { ledgersOf, verifyTargets } from './verify-targets.ts'
import { listedSnapshot, verifyTimestamp } from './verify-timestamp.ts'
import { verifyUnexpired } from './verify-unexpired.ts'

/**
 * The exact bytes of the metadata last accepted, which is all that a participant must remember: they are also the floor under
 * every version. Either only a root, or a timestamp, snapshot and targets file that belong together and any of their ledgers.
 */
export interface TrustState {
  readonly root: Uint8Array
  /** The roots that led to `root`, oldest first, from the one that was handed over; absent if that is still `root`. */
  readonly predecessors?: readonly Uint8Array[]
  readonly timestamp?: Uint8Array
  readonly snapshot?: Uint8Array
  readonly targets?: Uint8Array
  /** By name. */
  readonly ledgers: Readonly<Record<string, Uint8Array>>
}

/** From the root that was handed over to the present one. */
export type RootChain = readonly [MetadataFile<'root'>, ...MetadataFile<'root'>[]]

/** A {@link TrustState} once its signatures and links have been verified. Expiry is a matter of when one asks. */
export interface OpenState {
  /** Never empty: the root handed over, and each successor. */
  readonly roots: RootChain
  /** Undefined while only a root is known. */
  readonly known: KnownFiles | undefined
}

export interface KnownFiles {
  readonly timestamp: MetadataFile<'timestamp'>
  readonly snapshot: MetadataFile<'snapshot'>
  readonly targets: MetadataFile<'targets'>
  readonly ledgers: ReadonlyMap<string, MetadataFile<'ledger'>>
}

/**
 * The state of someone who was given `root.json` and has heard nothing since.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED` or `EXPIRED`
 */
export function initialTrust(rootJson: Uint8Array, now: number): TrustState {
  const root = verifyFirstRoot(rootJson)
  verifyUnexpired(root, now)
  return { root: rootJson, ledgers: {} }
}

/**
 * Verifies everything about `state` that does not depend on the time: each file by the one before it.
 * It was accepted once; this is for what a disk may have done to it.
 *
 * @throws {TrustError} as for fetched files; `MALFORMED` if the set is not a whole one
 */
export function openState(state: TrustState): OpenState {
  const roots = openRoots(state)
  const keys = currentRoot(roots).metadata.signed
  if (
    state.timestamp === undefined &&
    state.snapshot === undefined &&
    state.targets === undefined &&
    Object.keys(state.ledgers).length === 0
  ) {
    return { roots, known: undefined }
  }
  if (state.timestamp === undefined || state.snapshot === undefined || state.targets === undefined) {
    throw new TrustError({ code: 'MALFORMED', file: 'trust state', reason: 'timestamp, snapshot and targets come together' })
  }
  const timestamp = verifyTimestamp(state.timestamp, keys)
  const snapshot = verifySnapshot(state.snapshot, listedSnapshot(timestamp), keys)
  const targets = verifyTargets(state.targets, snapshot.metadata.signed, keys)
  const ledgers = Object.entries(state.ledgers).map(
    ([ledger, bytes]) => [ledger, verifyLedger(bytes, ledger, targets.metadata.signed, snapshot.metadata.signed)] as const,
  )
  return { roots, known: { timestamp, snapshot, targets, ledgers: new Map(ledgers) } }
}

/** The bytes of `known` under the last of `roots`. */
export function closeState(roots: RootChain, known: KnownFiles | undefined): TrustState {
  const root = currentRoot(roots).bytes
  const predecessors = roots.slice(0, -1).map(({ bytes }) => bytes)
  const chain = predecessors.length === 0 ? { root } : { root, predecessors }
  if (known === undefined) return { ...chain, ledgers: {} }
  const ledgers = Object.fromEntries([...known.ledgers].map(([ledger, { bytes }]) => [ledger, bytes]))
  return { ...chain, timestamp: known.timestamp.bytes, snapshot: known.snapshot.bytes, targets: known.targets.bytes, ledgers }
}

/** The root that holds now. */
export function currentRoot(roots: RootChain): MetadataFile<'root'> {
  return roots.at(-1) ?? roots[0]
}

/**
 * Verifies that `state` may still be relied on at `now` without having heard anything new.
 *
 * @throws {TrustError} `EXPIRED` for the first file that has; `MISSING` if only a root is known
 */
export function checkFreshness(state: TrustState, now: number): void {
  for (const file of openFiles(state)) verifyUnexpired(file, now)
  if (state.timestamp === undefined) throw new TrustError({ code: 'MISSING', file: fileOf('timestamp'), role: 'timestamp' })
}

/** When a metadata file expires, in milliseconds since the Unix epoch. */
export interface Expiry {
  readonly file: string
  readonly expiresAt: number
}

/** When each file of `state` expires. */
export function expiries(state: TrustState): readonly Expiry[] {
  return openFiles(state).map(({ file, expiresAt }) => ({ file, expiresAt }))
}

/** The file of `state` that expires first. */
export function freshUntil(state: TrustState): Expiry {
  const { file, expiresAt } = openFiles(state).reduce((first, file) => (file.expiresAt < first.expiresAt ? file : first))
  return { file, expiresAt }
}

/** The ledgers that the repository of `state` has, in alphabetical order, whether or not their files are in the state. */
export function knownLedgers(state: TrustState): readonly string[] {
  const { known } = openState(state)
  return known === undefined ? [] : ledgersOf(known.targets.metadata.signed, known.snapshot.metadata.signed)
}

/**
 * The releases of `ledger` that `state` vouches for, in ascending order of height.
 *
 * @throws {TrustError} `UNKNOWN_LEDGER` if the state holds no file of that ledger
 */
export function releases(state: TrustState, ledger: string): readonly Release[] {
  const bytes = Object.hasOwn(state.ledgers, ledger) ? state.ledgers[ledger] : undefined
  if (bytes === undefined) throw new TrustError({ code: 'UNKNOWN_LEDGER', ledger, known: Object.keys(state.ledgers).sort() })
  return readLedger(ledger, bytes)
}

function openRoots(state: TrustState): RootChain {
  const [first, ...successors] = [...(state.predecessors ?? []), state.root]
  let roots: RootChain = [verifyFirstRoot(first)]
  for (const bytes of successors) roots = [...roots, verifyNextRoot(bytes, currentRoot(roots))]
  return roots
}

function openFiles(state: TrustState): readonly [MetadataFile, ...MetadataFile[]] {
  const { roots, known } = openState(state)
  const root = currentRoot(roots)
  return known === undefined ? [root] : [root, known.timestamp, known.snapshot, known.targets, ...known.ledgers.values()]
}

/** Whether two states hold the same bytes. */
export function isSameState(a: TrustState, b: TrustState): boolean {
  const names = Object.keys(a.ledgers)
  return (
    isSame(a.root, b.root) &&
    a.predecessors?.length === b.predecessors?.length &&
    isSame(a.timestamp, b.timestamp) &&
    isSame(a.snapshot, b.snapshot) &&
    isSame(a.targets, b.targets) &&
    names.length === Object.keys(b.ledgers).length &&
    names.every((name) => Object.hasOwn(b.ledgers, name) && isSame(a.ledgers[name], b.ledgers[name]))
  )
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}
