import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { SKIP } from '@cairn/ledger'
import { CHAIN_FLAWS, SLOT_FLAWS, SPARE_GUARDS } from './model/flaws.ts'
import { INSTANCES, type Instance } from './model/instances.ts'
import { loadModel, type Model } from './model/quint.ts'
import { recordSimulation } from './model/record.ts'
import { isBorne, rehearse, rehearseSpare, samplesToFind } from './model/rehearse.ts'
import { replay } from './model/replay.ts'
import { readTrace, recordingOf, TraceError, type TraceLine } from './model/trace.ts'

// Goal: what the ledger's rules promise holds in the model, and the model would notice if it did not.
// Method: random traces from a fixed seed, in a budget of some seconds; `npm run model` takes larger ones and all presets.
const SEED = BigInt(process.env['SEED'] ?? 1)
/** Twice what the rarest flaw takes at this seed. */
const SAMPLES_PER_FLAW_MAX = 1000

const instanceOf = (main: string): Instance => {
  const found = INSTANCES.find((instance) => instance.main === main)
  assert.ok(found)
  return found
}

describe('the model of a slot', () => {
  let model: Model
  before(async () => {
    model = await loadModel('slot.qnt')
  })

  for (const main of ['slot_cft3', 'slot_bft4']) {
    it(`keeps its invariants, and reaches what it speaks of: ${main}`, () => {
      const instance = instanceOf(main)
      const { violated, witnessed } = rehearse(model, instance, instance.samples, SEED)
      assert.equal(violated, false)
      for (const [witness, count] of Object.entries(witnessed)) assert.ok(count > 0, `${witness} was never seen`)
    })
  }

  const bft4 = instanceOf('slot_bft4')
  for (const flaw of SLOT_FLAWS.filter((each) => !isBorne(each, bft4.preset))) {
    it(`breaks "${flaw.breaks}" with ${flaw.name}: ${flaw.what}`, () => {
      assert.notEqual(samplesToFind(model, bft4, flaw, SAMPLES_PER_FLAW_MAX, SEED), undefined)
    })
  }

  it('breaks for want of a payload where crashes can take all that hold it', () => {
    const flaw = SLOT_FLAWS.find(({ name }) => name === 'R3-payload')
    assert.ok(flaw)
    assert.notEqual(samplesToFind(model, instanceOf('slot_cft3'), flaw, SAMPLES_PER_FLAW_MAX, SEED), undefined)
  })
})

describe('the model of the chain', () => {
  let model: Model
  before(async () => {
    model = await loadModel('chain.qnt')
  })

  const bft4 = instanceOf('chain_bft4')
  it('keeps its invariants, and reaches what it speaks of', () => {
    const { violated, witnessed } = rehearse(model, bft4, bft4.samples, SEED)
    assert.equal(violated, false)
    for (const [witness, count] of Object.entries(witnessed)) assert.ok(count > 0, `${witness} was never seen`)
  })

  it('keeps its invariants without the guards that it can spare', () => {
    for (const guard of SPARE_GUARDS.chain) assert.equal(rehearseSpare(model, bft4, guard, 15, SEED).violated, false, guard)
  })

  // Flaws of the slot's rules fork the chain as well, which `npm run model` shows.
  for (const flaw of CHAIN_FLAWS.filter(({ name }) => name.startsWith('R1') || name.startsWith('R7'))) {
    it(`forks with ${flaw.name}: ${flaw.what}`, () => {
      assert.notEqual(samplesToFind(model, bft4, flaw, SAMPLES_PER_FLAW_MAX, SEED), undefined)
    })
  }
})

describe('a recorded run', () => {
  let text: string
  let lines: TraceLine[]
  before(async () => {
    text = await readFile(new URL('vectors/ledger-trace.jsonl', import.meta.url), 'utf8')
    lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as TraceLine]))
  })

  const refusedAt = async (tampered: readonly TraceLine[]): Promise<TraceLine | undefined> => {
    const result = await replay(recordingOf(tampered))
    return result.type === 'refused' ? tampered[result.move.line - 1] : undefined
  }

  it('is allowed by the model', async () => {
    const recording = readTrace(text)
    assert.deepEqual(await replay(recording), { type: 'allowed', moves: recording.moves.length })
  })

  it('is refused where a certificate has a vote too few', async () => {
    const at = lines.findIndex(({ type }) => type === 'certificate')
    const certificate = lines[at]
    assert.ok(certificate?.type === 'certificate')
    const counts = (line: TraceLine): boolean => line.type === 'vote' && line.kind === 'first' && line.digest === certificate.digest
    const before = lines.findLastIndex((line, index) => index < at && counts(line))
    assert.deepEqual(await refusedAt(lines.filter((_, index) => index !== before)), certificate)
  })

  it('is refused where an honest seat votes to skip what it closed', async () => {
    const [committee] = lines
    assert.ok(committee?.type === 'committee')
    const at = lines.findIndex((line) => line.type === 'vote' && line.kind === 'final' && !committee.liars.includes(line.seat))
    const final = lines[at]
    assert.ok(final?.type === 'vote')
    const extra: TraceLine = { ...final, kind: 'extra', digest: SKIP }
    assert.deepEqual(await refusedAt(lines.toSpliced(at + 1, 0, extra)), extra)
  })

  it('is refused where a block passes over a slot that is not skipped', async () => {
    const [committee] = lines
    assert.ok(committee?.type === 'committee')
    const at = lines.findLastIndex((line) => line.type === 'block')
    const block = lines[at]
    assert.ok(block?.type === 'block')
    const forked: TraceLine = { ...block, parentSlot: committee.base.slot, parent: committee.base.digest }
    const refused = await refusedAt(lines.with(at, forked))
    assert.ok(refused?.type === 'vote' && refused.digest === block.digest)
  })

  it('is no recording if it names what it does not show', () => {
    assert.throws(() => recordingOf(lines.slice(1)), TraceError)
    assert.throws(() => recordingOf(lines.filter(({ type }) => type !== 'block')), TraceError)
  })

  it('of the simulator, under its faults and liars, is allowed by the model', async () => {
    for (const [preset, seed] of [
      ['bft-4', 12],
      ['bft-7', 3],
    ] as const) {
      const { lines: recorded, failure } = recordSimulation(preset, seed, 6)
      assert.equal(failure, undefined)
      const recording = recordingOf(recorded)
      assert.deepEqual(await replay(recording), { type: 'allowed', moves: recording.moves.length }, `${preset} ${seed}`)
    }
  })
})
