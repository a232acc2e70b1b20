import type { Committee } from '../committee.ts'
import type { Digest } from '../digest.ts'
import { COMMITTEES_NAMED_MAX } from './limits.ts'
import type { LogRecord, Ready } from './messages.ts'
import { type EngineState, record } from './state.ts'
import { dropWant } from './wants.ts'

/** The committee of that hash, if the operator or a quorum named it. */
export function namedCommittee({ candidate, named }: EngineState, hash: Digest): Committee | undefined {
  return [candidate, ...named].find((committee) => committee?.hash === hash)
}

/**
 * Whether a committee can be kept, which a vote for a block that names it needs. Beyond {@link COMMITTEES_NAMED_MAX} it is one of a block that
 * has W first votes: if only some could repair such a slot by R3, it would stay open. One of those seats keeps the rules and had room, so there
 * are no more of them than n seats have room for. If fewer voted so, all others are outside the block, and R4 or a timeout skips the slot.
 */
export function hasRoomFor(state: EngineState, hash: Digest): boolean {
  if (state.named.length < COMMITTEES_NAMED_MAX || state.named.some((committee) => committee.hash === hash)) return true
  const { weak } = state.epoch.committee.thresholds
  for (const { digest, header } of state.blocks.values()) {
    const slot = header.nextCommittee === hash ? state.slots.get(header.slot) : undefined
    if (slot !== undefined && slot.first.filter((vote) => vote?.digest === digest).length >= weak) return true
  }
  return false
}

/**
 * Keeps a committee for which there is room, also over a crash, and before it every word for it. Among those that vote for the end block the
 * word of who joins must outlive the epoch, for no light client believes in a committee without it; and that of the quorum must outlive its
 * seats, for each of those that voted can convince any other by it, whatever operators want by then.
 */
export function keepCommittee(state: EngineState, committee: Committee): void {
  dropWant(state, committee.hash)
  if (state.named.some(({ hash }) => hash === committee.hash)) return
  state.named.push(committee)
  for (const entry of recordsOf(state, committee)) record(state, entry)
}

/** Makes room: of committees that only blocks of closed slots name nobody needs to be convinced any more. */
export function forgetNamed(state: EngineState): void {
  if (state.named.length === 0) return
  const needed = new Set([state.final.nextCommittee])
  for (const { header } of state.blocks.values()) if (header.slot > state.final.slot) needed.add(header.nextCommittee)
  const forgotten = state.named.filter(({ hash }) => !needed.has(hash))
  state.named = state.named.filter(({ hash }) => needed.has(hash))
  for (const { hash } of forgotten) forgetWords(state, hash)
}

/** Forgets what was said of a committee that neither the operator nor a block that is kept wants. */
export function forgetWords(state: EngineState, hash: Digest): void {
  if (namedCommittee(state, hash) !== undefined) return
  for (const key of state.readies.keys()) if (key.startsWith(`${hash}/`)) state.readies.delete(key)
}

/** What the log must hold for as long as a block that names a next committee is open, whatever else it forgets. */
export function standingRecords(state: EngineState): readonly LogRecord[] {
  return state.named.flatMap((committee) => recordsOf(state, committee))
}

function recordsOf(state: EngineState, committee: Committee): readonly LogRecord[] {
  const words = wordsFor(state, committee).map((ready): LogRecord => ({ type: 'ready', ready }))
  return [...words, { type: 'committee', committee }]
}

/** What seats and joiners are known to have said of a committee, by key. */
export function wordsFor(state: EngineState, committee: Committee): readonly Ready[] {
  const keys = [...new Set([...seated(state), ...joiners(state, committee)])].sort()
  return keys.flatMap((key) => state.readies.get(`${committee.hash}/${key}`) ?? [])
}

/** Keys of `committee` that have no seat now. */
export function joiners(state: EngineState, committee: Committee): string[] {
  const now = seated(state)
  return committee.members.map(({ publicKey }) => keyName(publicKey)).filter((key) => !now.has(key))
}

export function seated(state: EngineState): ReadonlySet<string> {
  return new Set(state.epoch.committee.members.map(({ publicKey }) => keyName(publicKey)))
}

export function keyName(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString('hex')
}
