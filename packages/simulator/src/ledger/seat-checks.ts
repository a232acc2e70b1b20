import { type EngineEvent, SKIP, type Vote } from '@cairn/ledger'
import { insist } from './invariant.ts'
import { oracleThresholds } from './oracle.ts'
import type { Replica } from './replica.ts'

/** R3, R4, R5: the evidence that a seat must have seen, counted here by the oracle's numbers. */
export function checkRule({ state, node }: Replica, epoch: number, slotNumber: number, kind: Vote['kind'], digest: string): void {
  const slot = state?.epoch.number === epoch ? state.slots.get(slotNumber) : undefined
  if (state === undefined || slot === undefined || kind === 'first') return
  const own = slot.own.first
  insist(own !== undefined, 'R3', () => `node ${node} cast a ${kind} vote before its first vote in slot ${slotNumber}`)
  if (kind === 'final') return
  const { weak } = oracleThresholds(state.epoch.committee.size)
  const votes = slot.first.flatMap((vote) => (vote === undefined ? [] : [vote.digest]))
  const count = (wanted: string): number => votes.filter((each) => each === wanted).length
  const most = Math.max(0, ...votes.filter((each) => each !== SKIP).map(count))
  const evidence = digest === SKIP ? votes.length - most : count(digest)
  insist(
    evidence >= weak,
    digest === SKIP ? 'R4' : 'R3',
    () => `node ${node} cast an extra vote in slot ${slotNumber} on ${evidence} first votes`,
  )
}

/** Votes that suffice for a certificate are one at once: neither path waits for more than it needs. */
export function checkFormed({ state, node }: Replica, event: EngineEvent): void {
  if (state === undefined || event.type !== 'received' || event.message.type !== 'vote') return
  const { vote } = event.message
  const slot = vote.epoch === state.epoch.number ? state.slots.get(vote.slot) : undefined
  if (slot === undefined || vote.slot <= state.final.slot) return
  const { members, size } = state.epoch.committee
  const { quorum, fast, holders } = oracleThresholds(size)
  const counts = { first: 0, any: 0, final: 0 }
  const held = { first: 0, any: 0, final: 0 }
  for (let seat = 0; seat < members.length; seat++) {
    const holds = members[seat]!.role === 'vote-witness' ? 0 : 1
    const isFirst = slot.first[seat]?.digest === vote.digest
    const add = (what: keyof typeof counts): void => {
      counts[what]++
      held[what] += holds
    }
    if (isFirst) add('first')
    if (isFirst || slot.extras[seat]!.some(({ digest }) => digest === vote.digest)) add('any')
    if (slot.finals[seat]?.digest === vote.digest) add('final')
  }
  const formed = (kind: string): boolean => slot.certificates.some((known) => known.kind === kind && known.digest === vote.digest)
  const expect = (kind: string, suffices: boolean): void =>
    insist(!suffices || formed(kind), 'S8', () => `node ${node} holds the votes for ${kind} of slot ${vote.slot} and no certificate`)
  if (vote.digest === SKIP) return expect('skip', counts.any >= quorum)
  expect('notar', counts.any >= quorum && held.any >= holders)
  expect('fast', counts.first >= fast && held.first >= holders)
  expect('final', counts.final >= quorum && held.final >= holders)
}

/** S22: what an engine keeps, by the limits that its own pages name. */
export function checkBounds({ state, node }: Replica): void {
  if (state === undefined) return
  const { n } = state.epoch.committee.size
  const open = state.current - state.final.slot + 16
  const late = Math.max(0, state.final.height - state.applyNext + 1)
  const bound = (what: string, found: number, max: number): void =>
    insist(found <= max, 'S22', () => `node ${node} keeps ${found} ${what}, ${max} is the most`)
  bound('slots', state.slots.size, open)
  bound('blocks', state.blocks.size, open * (n + 2) + 1024)
  bound('payloads', state.payloads.size, open * (n + 2) + 64 + 8 + late)
  bound('wants', state.wants.size, 128)
  bound('unclaimed payloads', state.unclaimed.length, 8)
  bound('operations', state.pool.ids.size, 16_384)
}
