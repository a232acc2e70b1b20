import type { ChainPoint } from '../header.ts'
import type { Digest } from '../digest.ts'
import { LedgerError } from '../errors.ts'
import { EMPTY_PAYLOAD_ROOT, payloadFacts } from '../payload.ts'
import { signVote, SKIP, type Vote } from '../votes.ts'
import { enterEpoch, noteReady } from './epochs.ts'
import { applyReady, finalise, hasEnded, prunePayloads } from './finalise.ts'
import { RECENT_OPERATIONS_MAX } from './limits.ts'
import type { LogRecord } from './messages.ts'
import { blockOf, createState, type EngineInit, type EngineState, FINAL_KINDS, record, slotOf, wantsPayloads } from './state.ts'
import { countVote } from './tally.ts'

/** What the state store has on disk. */
export interface Applied {
  readonly point: ChainPoint
  readonly stateRoot: Digest
  /** Roots of the heights before, as far as they are kept and engines remember them: what leaders attest is checked against them. */
  readonly roots?: ReadonlyMap<number, Digest>
  /** Ids that the state's window remembers, oldest first: what had its effect is not queued again. */
  readonly recent: readonly string[]
}

/**
 * The state of a replica that starts again, from everything that its log holds, in order. The next event is `start`.
 *
 * `floor` is a final block of the epoch that `init` starts with: the log may have forgotten it and all that is before it. The state must
 * not be behind it.
 *
 * @throws {LedgerError} `BAD_RECORDS` if the records say that the seat broke the rules: they are not its own, or damaged
 */
export function recover(init: EngineInit, records: readonly LogRecord[], applied?: Applied, floor?: ChainPoint): EngineState {
  const state = createState(init)
  if (floor !== undefined && floor.height > state.final.height) {
    state.final = floor
    state.current = floor.slot + 1
    state.applied = floor.height
    state.applyNext = floor.height + 1
  }
  if (applied !== undefined) {
    state.applied = applied.point.height
    state.applyNext = applied.point.height + 1
    for (const [height, root] of applied.roots ?? []) state.stateRoots.set(height, root)
    state.stateRoots.set(applied.point.height, applied.stateRoot)
    for (const id of applied.recent.slice(-RECENT_OPERATIONS_MAX)) state.pool.recent.add(id)
  }
  const own: Vote[] = []
  for (const entry of records) restore(state, entry, own)
  finalise(state)
  if (state.applied > state.final.height)
    throw new LedgerError({
      code: 'BAD_RECORDS',
      reason: `height ${state.applied} is applied, and the log ends with ${state.final.height}`,
    })
  applyReady(state)
  // Of what was done before the crash only what must still be applied is done again.
  state.out = state.out.filter(({ type }) => type === 'apply')
  state.records = []
  // The epoch ended, and the record of the next one did not survive.
  if (!state.active && !hasEnded(state)) record(state, { type: 'epoch', start: state.epoch })
  state.afterNow.clear()
  state.wants.clear()
  for (const vote of own) {
    if (vote.epoch !== state.epoch.number || vote.slot <= state.final.slot) continue
    if (holdsFor(state, vote)) countVote(state, slotOf(state, vote.slot), vote)
    else state.orphaned.push(vote)
  }
  prunePayloads(state)
  return state
}

function restore(state: EngineState, entry: LogRecord, own: Vote[]): void {
  switch (entry.type) {
    case 'epoch':
      finalise(state)
      if (entry.start.number < state.epoch.number) return
      state.active = true
      if (entry.start.number === state.epoch.number) return
      if (state.final.height < entry.start.base.height) state.final = entry.start.base
      enterEpoch(state, entry.start)
      state.retiring = undefined
      return
    case 'block': {
      const { header } = entry.proposal
      const block = blockOf(entry.proposal)
      if (header.epoch !== state.epoch.number || header.slot <= state.final.slot || state.blocks.has(block.digest)) return
      state.blocks.set(block.digest, block)
      slotOf(state, header.slot).blocks.push(block.digest)
      return
    }
    case 'payload':
      state.payloads.set(payloadFacts(entry.payload).root, { payload: entry.payload, persisted: true, verdict: 'pending' })
      return
    case 'proposed':
      if (entry.epoch === state.epoch.number && entry.slot > state.final.slot) slotOf(state, entry.slot).proposed = entry.digest
      return
    case 'certificate': {
      const { certificate } = entry
      if (certificate.epoch !== state.epoch.number || certificate.slot <= state.final.slot) return
      slotOf(state, certificate.slot).certificates.push(certificate)
      state.current = Math.max(state.current, certificate.slot + 1)
      if (!FINAL_KINDS.includes(certificate.kind)) return
      if (state.pendingFinal === undefined || certificate.slot > state.pendingFinal.slot) state.pendingFinal = certificate
      finalise(state)
      return
    }
    case 'committee':
      if (!state.named.some(({ hash }) => hash === entry.committee.hash)) state.named.push(entry.committee)
      return
    case 'ready':
      if (entry.ready.epoch === state.epoch.number) noteReady(state, entry.ready)
      return
    case 'vote':
      return restoreVote(state, entry, own)
    default:
      return entry satisfies never
  }
}

function restoreVote(state: EngineState, entry: Extract<LogRecord, { readonly type: 'vote' }>, own: Vote[]): void {
  const { epoch, slot: number, kind, digest } = entry
  const { seat, signer } = state
  if (epoch !== state.epoch.number || number <= state.final.slot || seat === undefined || signer === undefined) return
  const slot = slotOf(state, number)
  const fault = (reason: string): LedgerError => new LedgerError({ code: 'BAD_RECORDS', reason: `slot ${number}: ${reason}` })
  if (slot.own.final !== undefined) throw fault('a vote after the final vote')
  if (kind === 'first') {
    if (slot.own.first !== undefined) throw fault('two first votes')
    slot.own.first = digest
  } else if (kind === 'extra') {
    slot.own.extras.push(digest)
  } else {
    if (slot.own.extras.length > 0) throw fault('a final vote after an extra vote')
    slot.own.final = digest
  }
  own.push(signVote(state.init.ledger, signer, { kind, epoch, slot: number, digest, seat }))
}

function holdsFor(state: EngineState, vote: Vote): boolean {
  if (vote.digest === SKIP || !wantsPayloads(state)) return true
  const block = state.blocks.get(vote.digest)
  if (block === undefined) return false
  return block.header.payloadRoot === EMPTY_PAYLOAD_ROOT || state.payloads.has(block.header.payloadRoot)
}
