import type { Certificate, CertificateKind } from '../certificate.ts'
import { type Committee, holdsPayloads, type Role, ROLES } from '../committee.ts'
import { type Digest, ZERO_DIGEST } from '../digest.ts'
import type { LedgerId } from '../envelope.ts'
import { type BlockHeader, type ChainPoint, headerDigest } from '../header.ts'
import type { Operation, Payload } from '../payload.ts'
import type { Signer, Verifier } from '../signing.ts'
import type { Vote } from '../votes.ts'
import type { Effect, TimerName } from './events.ts'
import type { BatchItem, EpochStart, LogRecord, Message, PeerId, Ready, SignedHeader, Want } from './messages.ts'
import { HOLD_PAUSE_SLOTS_MIN } from './limits.ts'
import type { Settings } from './settings.ts'

/** Everything the engine is handed. */
export interface EngineInit {
  readonly ledger: LedgerId
  readonly settings: Settings
  /** What this replica keeps, in every epoch: a witness that is to be more starts again from a snapshot. */
  readonly role: Role
  /** Where this replica is reached. */
  readonly self: PeerId
  /** The first epoch that this replica knows: genesis, or from a trust root. */
  readonly start: EpochStart
  readonly verifier: Verifier
  /** The signer of a key of this replica. */
  readonly signerOf: (publicKey: Uint8Array) => Signer | undefined
  /** Root of the policies in force, which proposals name. */
  readonly policyRoot: Digest
}

/** What a seat has decided in one slot: durable before anyone hears of it, never taken back. */
export interface OwnVotes {
  first: Digest | undefined
  readonly extras: Digest[]
  final: Digest | undefined
}

/** One open slot. Arrays by seat, so that nothing depends on the order in which votes arrive. */
export interface SlotState {
  readonly slot: number
  /** The first valid first vote of each seat; a second one is evidence and counts nowhere. */
  readonly first: (Vote | undefined)[]
  /** Extra votes of each seat, each for another digest. */
  readonly extras: Vote[][]
  readonly finals: (Vote | undefined)[]
  /** One for each kind and digest. */
  readonly certificates: Certificate[]
  /** Known headers, in the order of arrival. */
  readonly blocks: Digest[]
  readonly own: OwnVotes
  /** The own proposal, if this seat led the slot. */
  proposed: Digest | undefined
  timedOut: boolean
}

/** A header that its leader signed. */
export interface Block extends SignedHeader {
  readonly digest: Digest
}

/** A final block, kept for those who catch up. */
export interface FinalBlock extends Block {
  readonly certificate: Certificate | undefined
}

export interface PayloadState {
  readonly payload: Payload
  /** Whether it was handed to the log. What was, is durable before any vote that was cast later. */
  persisted: boolean
  verdict: 'pending' | 'valid' | 'invalid'
}

/** Votes that are not counted here before they are durable: a certificate must not hold one that a crash could undo. */
export interface UndurableVotes {
  readonly token: number
  readonly votes: readonly Vote[]
}

export interface WantState {
  readonly want: Exclude<Want, { readonly type: 'sync' }>
  attempts: number
}

export interface EngineState {
  readonly init: EngineInit
  now: number

  epoch: EpochStart
  /** Own seat in the epoch, and its signer. */
  seat: number | undefined
  signer: Signer | undefined
  /** Seats that lead, in the order of their terms. */
  leaders: readonly number[]
  /** Peers of all other seats. */
  others: readonly PeerId[]
  /** Peers that may have what is missing here: those, and the ones of the epoch before. */
  sources: readonly PeerId[]
  /** Highest slot in which each seat was heard of. */
  lastActive: number[]
  /** False from the end of an epoch until the record of the next one is durable (P6), and for good once halted. */
  active: boolean
  halted: boolean

  current: number
  slots: Map<number, SlotState>
  blocks: Map<Digest, Block>
  payloads: Map<Digest, PayloadState>
  unclaimed: Digest[]
  /** Slots in which a vote waits for something that may have come. */
  readonly waiting: Set<number>
  changed: boolean

  final: ChainPoint
  /** The highest certificate that makes a block final whose ancestors are not all here; lower ones are found in their slots. */
  pendingFinal: Certificate | undefined
  history: FinalBlock[]
  /** Digest by height of what was handed to `apply`, and what came back. */
  applyNext: number
  applied: number
  readonly stateRoots: Map<number, Digest>

  readonly pool: Pool
  readonly wants: Map<string, WantState>
  /** For epochs that ended: what proves that their last block is final. */
  readonly closings: Map<number, readonly BatchItem[]>
  /** What the operator wants next: the last word counts. */
  candidate: Committee | undefined
  /** Committees that open blocks name which this seat may have voted for, each with the words for it on disk. */
  named: Committee[]
  readonly readies: Map<string, Ready>
  readonly convicted: Set<number>

  /** Leaders given up on since the last final block; resends without progress; for backing off. */
  barren: number
  stalls: number
  /** What progress looked like at the last resend. */
  lastProgress: string
  /** Id of the own operation that waited longest at the last resend that saw progress. */
  oldestOwn: string | undefined
  syncTurn: number
  syncedSlot: number
  /** Who is asked on once what is final has been applied. */
  syncHeld: PeerId | undefined
  /** The slot timer runs for the short time, because there is work to do. */
  urgent: boolean
  /** When the last first vote was cast. */
  votedAt: number
  /** The slot whose final vote waits, or waited, for the fast path; none before `pausedTo` does. */
  readonly hold: { slot: number; isOver: boolean; pausedTo: number; pauseSlots: number }
  /** The leader waits until `target` operations are here, or the time is over that begins with the first of them. */
  gathering: { readonly target: number; readonly waitMs: number; isTimed: boolean } | undefined
  /** The leader need not wait any longer for a fuller block; for operations at all. */
  mayPipeline: boolean
  mayHeartbeat: boolean
  atTip: boolean
  readonly timerIds: Record<TimerName, number>

  token: number
  records: LogRecord[]
  castNow: Vote[]
  /** Own votes found after a crash whose block's operations were not: they are not said again before those are back (P2). */
  orphaned: Vote[]
  /** The token that makes the record of the epoch durable, while it is not. */
  epochToken: number | undefined
  /** Own key of the epoch before, to be erased. */
  retiring: Uint8Array | undefined
  undurable: UndurableVotes[]
  out: Effect[]
  /** Index into `out` of sends that wait for the records of this step. */
  readonly afterNow: Set<number>
}

/** Operations that wait for their turn. */
export interface Pool {
  /** Handed in here, in order, until they are final. */
  own: Operation[]
  /** Sent by other replicas to this one while it leads. */
  foreign: Operation[]
  readonly ids: Set<string>
  bytesCount: number
  /** Ids that became final lately, oldest first. */
  recent: Set<string>
  /** The slot's leader whom `own` was last sent to, and how many of it. */
  forwardedTo: number | undefined
  forwardedCount: number
}

export function createState(init: EngineInit): EngineState {
  const state: EngineState = {
    init,
    now: 0,
    epoch: init.start,
    seat: undefined,
    signer: undefined,
    leaders: [],
    others: [],
    sources: [],
    lastActive: [],
    active: true,
    halted: false,
    current: init.start.base.slot + 1,
    slots: new Map(),
    blocks: new Map(),
    payloads: new Map(),
    unclaimed: [],
    waiting: new Set(),
    changed: false,
    final: init.start.base,
    pendingFinal: undefined,
    history: [],
    applyNext: init.start.base.height + 1,
    applied: init.start.base.height,
    stateRoots: new Map(),
    pool: { own: [], foreign: [], ids: new Set(), bytesCount: 0, recent: new Set(), forwardedTo: undefined, forwardedCount: 0 },
    wants: new Map(),
    closings: new Map(),
    candidate: undefined,
    named: [],
    readies: new Map(),
    convicted: new Set(),
    barren: 0,
    stalls: 0,
    lastProgress: '',
    oldestOwn: undefined,
    syncTurn: 0,
    syncedSlot: -1,
    syncHeld: undefined,
    urgent: false,
    votedAt: 0,
    hold: { slot: -1, isOver: false, pausedTo: 0, pauseSlots: HOLD_PAUSE_SLOTS_MIN },
    gathering: undefined,
    mayPipeline: false,
    mayHeartbeat: false,
    atTip: false,
    timerIds: { slot: 0, propose: 0, hold: 0, resend: 0, fetch: 0 },
    token: 0,
    records: [],
    castNow: [],
    orphaned: [],
    epochToken: undefined,
    retiring: undefined,
    undurable: [],
    out: [],
    afterNow: new Set(),
  }
  takeSeat(state, init.start)
  return state
}

/** Finds this replica's seat in an epoch: the one whose key it can sign with. */
export function takeSeat(state: EngineState, start: EpochStart): void {
  const { members } = start.committee
  const retired = state.signer?.publicKey
  state.epoch = start
  state.seat = undefined
  state.signer = undefined
  for (const [seat, { publicKey, role }] of members.entries()) {
    const signer = state.init.signerOf(publicKey)
    // A seat that promises more than this replica keeps is left empty.
    if (signer === undefined || ROLES.indexOf(role) < ROLES.indexOf(state.init.role)) continue
    state.seat = seat
    state.signer = signer
    break
  }
  if (retired !== undefined && (state.signer === undefined || Buffer.compare(retired, state.signer.publicKey) !== 0))
    state.retiring = retired
  // A witness has no state to attest, so it does not lead.
  state.leaders = members.flatMap(({ role }, seat) => (role === 'full' ? [seat] : []))
  const before = state.others
  state.others = members.filter((_, seat) => seat !== state.seat).map(({ peer }) => peer)
  state.sources = [...new Set([...state.others, ...before.filter((peer) => peer !== state.init.self)])]
  state.lastActive = members.map(() => start.base.slot)
}

/** Whether this replica keeps operations: all but vote witnesses do. */
export function wantsPayloads({ init }: EngineState): boolean {
  return holdsPayloads(init.role)
}

export function appliesBlocks({ init }: EngineState): boolean {
  return init.role === 'full'
}

/** The seat that leads `slot`: terms in a fixed order, known to all for the whole epoch. */
export function leaderOf(state: EngineState, slot: number): number {
  const { leaders, epoch, init } = state
  const turn = Math.floor((slot - epoch.base.slot - 1) / init.settings.termSlots)
  return leaders[turn % leaders.length]!
}

export function slotOf(state: EngineState, slot: number): SlotState {
  const known = state.slots.get(slot)
  if (known !== undefined) return known
  const { n } = state.epoch.committee.size
  const fresh: SlotState = {
    slot,
    first: Array.from({ length: n }),
    extras: Array.from({ length: n }, () => []),
    finals: Array.from({ length: n }),
    certificates: [],
    blocks: [],
    own: { first: undefined, extras: [], final: undefined },
    proposed: undefined,
    timedOut: false,
  }
  state.slots.set(slot, fresh)
  return fresh
}

export function certificateOf(
  state: EngineState,
  slot: number,
  digest: Digest,
  kinds: readonly CertificateKind[],
): Certificate | undefined {
  const found = state.slots.get(slot)?.certificates
  for (const kind of kinds) {
    const certificate = found?.find((each) => each.kind === kind && each.digest === digest)
    if (certificate !== undefined) return certificate
  }
  return undefined
}

/** Kinds that certify a block, the strongest first. */
export const BLOCK_KINDS: readonly CertificateKind[] = ['final', 'fast', 'notar']
export const FINAL_KINDS: readonly CertificateKind[] = ['final', 'fast']

export function blockOf(proposal: SignedHeader): Block {
  return { ...proposal, digest: headerDigest(proposal.header) }
}

/** Whether `header` is the first that names the next committee: the last block of its epoch that may have operations. */
export function endsEpoch(header: BlockHeader, parentNextCommittee: Digest): boolean {
  return header.nextCommittee !== ZERO_DIGEST && parentNextCommittee === ZERO_DIGEST
}

export function emitEffect(state: EngineState, effect: Effect): void {
  state.out.push(effect)
}

export function record(state: EngineState, entry: LogRecord): void {
  state.records.push(entry)
}

export function send(state: EngineState, to: readonly PeerId[], message: Message): void {
  if (to.length > 0) state.out.push({ type: 'send', to, message })
}

/** Sends once everything that this step records is durable. */
export function sendAfterRecords(state: EngineState, to: readonly PeerId[], message: Message): void {
  if (to.length === 0) return
  state.afterNow.add(state.out.length)
  state.out.push({ type: 'send', to, message })
}

export function setTimer(state: EngineState, timer: TimerName, afterMs: number): void {
  const id = ++state.timerIds[timer]
  state.out.push({ type: 'setTimer', timer, id, afterMs: Math.max(0, Math.floor(afterMs)) })
}
