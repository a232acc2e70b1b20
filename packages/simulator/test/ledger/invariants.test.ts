import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type BlockHeader,
  type ChainPoint,
  type Committee,
  createCommittee,
  headerDigest,
  type LogRecord,
  type Payload,
  payloadFacts,
  pointOf,
  SKIP,
  taggedDigest,
} from '@cairn/ledger'
import { INVALID_MARK } from '../../src/ledger/invalid-mark.ts'
import { InvariantError, withoutChecks } from '../../src/ledger/invariant.ts'
import { checkRecovery, type Recovery } from '../../src/ledger/liveness.ts'
import { BASE, Stage } from './stage.ts'

// Goal: every check of the simulator fails for a trace that breaks it, and for nothing before.
// Method: a trace by hand for each invariant, the last line of which is the one that must not happen; the same trace without it passes.

/** Returns the line that breaks the invariant: all before it must be fine. */
type Trace = (stage: Stage) => () => void

const ROOT = taggedDigest('a state')
const OPERATIONS: Payload = [{ id: 'an operation', body: new Uint8Array(8).fill(1) }]
const INVALID: Payload = [{ id: 'an invalid one', body: new Uint8Array(8).fill(INVALID_MARK) }]

function stating(payload: Payload): { payloadRoot: string; payloadBytes: number; operationsCount: number } {
  const { root, bytesCount } = payloadFacts(payload)
  return { payloadRoot: root, payloadBytes: bytesCount, operationsCount: payload.length }
}

/** A block that names a next committee, and the word of a quorum for it. */
function endOfEpoch(stage: Stage): { readonly block: BlockHeader; readonly words: readonly LogRecord[]; readonly next: Committee } {
  const { size, members, thresholds } = stage.committee
  const next = createCommittee(size, members.toReversed())
  const words = members.slice(0, thresholds.quorum).map(({ publicKey }): LogRecord => {
    return { type: 'ready', ready: { epoch: 0, committee: next.hash, publicKey, signature: new Uint8Array(64) } }
  })
  return { block: stage.block(1, BASE, { nextCommittee: next.hash }), words, next }
}

const TRACES: Readonly<Record<string, Trace>> = {
  'S1: two final blocks at one height': (stage) => {
    const first = stage.certify(stage.block(1, BASE))
    const second = stage.certify(stage.block(2, BASE))
    stage.finalises(0, first)
    return () => stage.finalises(1, second)
  },
  'S1: a replica finds two final blocks': (stage) => () =>
    stage.does(0, { type: 'emit', event: { type: 'halted', slot: 1, digest: SKIP } }),
  'S2: votes for two final blocks in a slot': (stage) => {
    const [one, other] = [stage.block(1, BASE), stage.block(1, BASE, { time: 1 })]
    stage.certify(one)
    stage.cast('final', 1, headerDigest(other), [0, 1])
    return () => stage.cast('final', 1, headerDigest(other), [2])
  },
  'S3: a final block in a slot that is skipped': (stage) => {
    stage.certify(stage.block(1, BASE))
    stage.cast('extra', 1, SKIP, [0, 1])
    return () => stage.cast('extra', 1, SKIP, [2])
  },
  'S4: two first votes of a seat': (stage) => {
    const block = stage.block(1, BASE)
    stage.says(0, 'first', 1, headerDigest(block))
    return () => stage.says(0, 'first', 1, SKIP)
  },
  'S5: an extra and a final vote of a seat': (stage) => {
    const block = stage.block(1, BASE)
    stage.says(0, 'first', 1, headerDigest(block))
    stage.says(0, 'extra', 1, SKIP)
    stage.cast('first', 1, headerDigest(block), [1, 2])
    return () => stage.says(0, 'final', 1, headerDigest(block))
  },
  'S6: a fast certificate that counts an extra vote': (stage) => {
    const digest = headerDigest(stage.block(1, BASE))
    stage.cast('first', 1, digest, [0, 1, 2])
    stage.cast('extra', 1, digest, [3])
    const signers = [0, 1, 2].map((seat) => [seat, 'first'] as const)
    return () => stage.writes(0, { type: 'certificate', certificate: stage.certificate('fast', 1, digest, [...signers, [3, 'extra']]) })
  },
  'S6: a certificate that counts a seat twice': (stage) => {
    const digest = headerDigest(stage.block(1, BASE))
    stage.cast('first', 1, digest, [0, 1])
    const seats = [0, 1, 1].map((seat) => [seat, 'first'] as const)
    return () => stage.writes(0, { type: 'certificate', certificate: stage.certificate('notar', 1, digest, seats) })
  },
  'S7: a vote that leaves before it is durable': (stage) => () => stage.leaves(0, { type: 'vote', vote: stage.vote(0, 'first', 1, SKIP) }),
  'S8: a certificate with too few signers': (stage) => {
    stage.cast('first', 1, SKIP, [0, 1])
    const seats = [0, 1].map((seat) => [seat, 'first'] as const)
    return () => stage.writes(0, { type: 'certificate', certificate: stage.certificate('skip', 1, SKIP, seats) })
  },
  'S8: a certificate of votes that nobody cast': (stage) => {
    stage.cast('first', 1, SKIP, [0, 1])
    const seats = [0, 1, 2].map((seat) => [seat, 'first'] as const)
    return () => stage.writes(0, { type: 'certificate', certificate: stage.certificate('skip', 1, SKIP, seats) })
  },
  'S9: a vote for a block on one that is not certified': (stage) => {
    const parent = stage.block(1, BASE)
    stage.cast('first', 1, headerDigest(parent), [1, 2])
    const child = stage.block(2, pointOf(parent))
    return () => stage.says(0, 'first', 2, headerDigest(child))
  },
  'S9: a vote over a slot that is not skipped': (stage) => {
    const block = stage.block(2, BASE)
    stage.cast('first', 1, SKIP, [1, 2])
    return () => stage.says(0, 'first', 2, headerDigest(block))
  },
  'S10: a final block that leaves a height out': (stage) => {
    const block = stage.certify(stage.block(1, BASE, { height: 2 }))
    return () => stage.finalises(0, block)
  },
  'S11: what is not final is applied': (stage) => () => stage.applies(0, pointOf(stage.block(1, BASE))),
  'S11: a height is applied twice': (stage) => {
    const block = stage.certify(stage.block(1, BASE))
    stage.finalises(0, block)
    stage.applies(0, block)
    return () => stage.applies(0, block)
  },
  'S12: two states at one height': (stage) => {
    const block = stage.certify(stage.block(1, BASE))
    stage.finalises(0, block)
    stage.applies(0, block)
    return () => stage.applies(1, block, taggedDigest('another state'))
  },
  'S14: a vote in an epoch that has ended': (stage) => {
    stage.does(0, { type: 'emit', event: { type: 'epoch-ended', epoch: 0, point: BASE } })
    return () => stage.writes(0, { type: 'vote', epoch: 0, slot: 1, kind: 'first', digest: SKIP })
  },
  'S15: operations after the block that ends the epoch': (stage) => {
    const end = stage.block(1, BASE, { nextCommittee: taggedDigest('next') })
    stage.certify(end)
    stage.checker.chain.learnPayload(OPERATIONS)
    stage.durable(0, { type: 'payload', payload: OPERATIONS })
    const after = stage.block(2, pointOf(end), { ...stating(OPERATIONS), nextCommittee: end.nextCommittee })
    return () => stage.says(0, 'first', 2, headerDigest(after))
  },
  'S18: a vote under policies that are not in force': (stage) => {
    const block = stage.block(1, BASE, { policyRoot: taggedDigest('other policies') })
    return () => stage.says(0, 'first', 1, headerDigest(block))
  },
  'S19: a restart into another history': (stage) => {
    const block = stage.certify(stage.block(1, BASE))
    stage.finalises(0, block)
    stage.replicas[1]!.state.final = block
    stage.restarts(1)
    stage.replicas[1]!.state.final = { ...block, digest: taggedDigest('another') }
    return () => stage.restarts(1)
  },
  'S21: an operation has its effect twice': (stage) => {
    const first = stage.certify(stage.block(1, BASE))
    const second = stage.certify(stage.block(2, first))
    stage.finalises(0, first)
    stage.finalises(0, second)
    stage.applies(0, first, taggedDigest('1'), ['an operation'])
    return () => stage.applies(0, second, taggedDigest('2'), ['an operation'])
  },
  'S22: more is kept than there is room for': (stage) => {
    const { state } = stage.replicas[0]!
    state.unclaimed = Array.from({ length: 8 }, (_, index) => taggedDigest(`${index}`))
    stage.does(0)
    state.unclaimed.push(SKIP)
    return () => stage.does(0)
  },
  'P2: a vote without the payload on disk': (stage) => {
    stage.checker.chain.learnPayload(OPERATIONS)
    const block = stage.block(1, BASE, stating(OPERATIONS))
    return () => stage.says(0, 'first', 1, headerDigest(block))
  },
  'P2: a vote for invalid operations': (stage) => {
    stage.checker.chain.learnPayload(INVALID)
    stage.durable(0, { type: 'payload', payload: INVALID })
    const block = stage.block(1, BASE, stating(INVALID))
    return () => stage.says(0, 'first', 1, headerDigest(block))
  },
  'P2: a vote for a header that misstates its payload': (stage) => {
    stage.checker.chain.learnPayload(OPERATIONS)
    stage.durable(0, { type: 'payload', payload: OPERATIONS })
    const block = stage.block(1, BASE, { ...stating(OPERATIONS), operationsCount: 2 })
    return () => stage.says(0, 'first', 1, headerDigest(block))
  },
  'P3: a header that leaves before it is durable': (stage) => {
    const header = stage.block(1, BASE)
    stage.slot(0, 1).proposed = headerDigest(header)
    return () => stage.leaves(0, { type: 'proposal', proposal: { header, signature: new Uint8Array(64) } })
  },
  'P6: a vote in an epoch whose record is not durable': (stage) => () => stage.says(0, 'first', 1, SKIP, 1),
  'R1: a vote for the next committee without the word of a quorum on disk': (stage) => {
    const { block, words, next } = endOfEpoch(stage)
    stage.durable(0, ...words, { type: 'committee', committee: next })
    stage.durable(1, ...words.slice(1), { type: 'committee', committee: next })
    stage.says(0, 'first', 1, headerDigest(block))
    return () => stage.says(1, 'first', 1, headerDigest(block))
  },
  'R1: a vote for the next committee without the committee on disk': (stage) => {
    const { block, words } = endOfEpoch(stage)
    stage.durable(0, ...words)
    return () => stage.says(0, 'first', 1, headerDigest(block))
  },
  'R3: an extra vote for a block on too few first votes': (stage) => {
    const digest = headerDigest(stage.block(1, BASE))
    const slot = stage.slot(0, 1)
    slot.own.first = SKIP
    slot.first[1] = stage.vote(1, 'first', 1, digest)
    return () => stage.writes(0, { type: 'vote', epoch: 0, slot: 1, kind: 'extra', digest })
  },
  'R3: an extra vote before the first vote': (stage) => {
    stage.slot(0, 1)
    return () => stage.writes(0, { type: 'vote', epoch: 0, slot: 1, kind: 'extra', digest: SKIP })
  },
  'R4: an extra vote to skip on too few votes for anything else': (stage) => {
    const digest = headerDigest(stage.block(1, BASE))
    const slot = stage.slot(0, 1)
    slot.own.first = digest
    for (const seat of [0, 1, 2]) slot.first[seat] = stage.vote(seat, 'first', 1, digest)
    slot.first[3] = stage.vote(3, 'first', 1, SKIP)
    return () => stage.writes(0, { type: 'vote', epoch: 0, slot: 1, kind: 'extra', digest: SKIP })
  },
  'R5: a final vote for what is not notarised': (stage) => {
    const digest = headerDigest(stage.block(1, BASE))
    stage.says(0, 'first', 1, digest)
    stage.cast('first', 1, digest, [1])
    return () => stage.says(0, 'final', 1, digest)
  },
  'R7: a block is held for final without the votes': (stage) => {
    const block = stage.block(1, BASE)
    stage.cast('first', 1, headerDigest(block), [0, 1, 2])
    return () => stage.finalises(0, pointOf(block))
  },
  'P5: a log is forgotten for a state that is not on disk': (stage) => {
    const point = firstBlock(stage)
    return () => stage.forgets(0, point)
  },
  'S13: a vote in an open slot is forgotten with the log': (stage) => {
    const point = firstBlock(stage)
    stage.installs(0, point, ROOT, { isNew: false })
    stage.forgets(0, point)
    stage.durable(0, { type: 'vote', epoch: 0, slot: 2, kind: 'first', digest: SKIP })
    return () => stage.forgets(0, point)
  },
  'P7: another state is installed than that of the checkpoint': (stage) => {
    const point = firstBlock(stage)
    return () => stage.installs(1, point, ROOT, { of: { ...point, digest: taggedDigest('another') } })
  },
  'S10: a state of a height that is applied is installed': (stage) => {
    const point = firstBlock(stage)
    return () => stage.installs(0, point, ROOT)
  },
  'S19: a state of a block that is not final is installed': (stage) => {
    const point = stage.certify(stage.block(1, BASE))
    return () => stage.installs(1, point, ROOT)
  },
  'S12: another state than others had is installed': (stage) => {
    const point = firstBlock(stage)
    stage.installs(1, point, ROOT)
    return () => stage.installs(2, point, taggedDigest('another state'))
  },
}

/** The first block, final and applied at node 0. */
function firstBlock(stage: Stage): ChainPoint {
  const point = stage.certify(stage.block(1, BASE))
  stage.finalises(0, point)
  stage.applies(0, point, ROOT)
  return point
}

function recovery(over: Partial<Recovery>): Recovery {
  const { state } = new Stage('bft-4').replicas[0]!
  const core = [0, 1].map((node) => ({ node, state, isRotten: false }))
  return { height: 3, target: 3, core, asked: 1, unanswered: [], ...over }
}

const { state } = new Stage('bft-4').replicas[0]!
const behind = { ...state, final: { ...BASE, height: 5 } }
const RECOVERIES: Readonly<Record<string, Partial<Recovery>>> = {
  'L1: nothing new is final': { height: 2 },
  'L2: a replica is behind': { core: [0, 1].map((node) => ({ node, state: node === 0 ? state : behind, isRotten: false })) },
  'L2: a replica is down': { core: [0, 1].map((node) => ({ node, state: node === 0 ? state : undefined, isRotten: false })) },
  'L3: payloads that a disk lost are not got back': { core: [{ node: 0, state: behind, isRotten: true }] },
  'L5: an operation has no effect': { unanswered: ['an operation'] },
  'L5: nobody could ask': { asked: 0 },
}

describe('the checker', () => {
  for (const [name, trace] of Object.entries(TRACES)) {
    it(`fails for ${name}`, () => {
      const invariant = name.split(':')[0]!
      const last = trace(new Stage('bft-4'))
      assert.throws(last, (error) => error instanceof InvariantError && error.invariant === invariant)
      // With that check switched off something else may find it, but not this.
      const again = trace(new Stage('bft-4'))
      try {
        withoutChecks([invariant], again)
      } catch (error) {
        assert.ok(error instanceof InvariantError && error.invariant !== invariant)
      }
    })
  }

  it('accepts what recovered', () => assert.doesNotThrow(() => checkRecovery(recovery({}))))

  for (const [name, broken] of Object.entries(RECOVERIES)) {
    it(`fails for ${name}`, () => {
      const invariant = name.split(':')[0]!
      assert.throws(
        () => checkRecovery(recovery(broken)),
        (error) => error instanceof InvariantError && error.invariant === invariant,
      )
    })
  }
})
