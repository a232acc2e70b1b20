// Runs the ledger's formal model: the protocol as it is, then with one flaw after the other, then recorded runs of the simulator.
// Usage: node test/model/main.ts [--seed N] [--times N] [--recordings N]
//          --times: as many times the usual number of traces of the sound protocol
//          --recordings: simulator seeds of each preset that are replayed
//        node test/model/main.ts --trace FILE...   replays recorded runs, and nothing else
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { LedgerPreset } from '@cairn/simulator'
import { CHAIN_FLAWS, SLOT_FLAWS, SPARE_GUARDS } from './flaws.ts'
import { INSTANCES, type Instance } from './instances.ts'
import { loadModel, type Model } from './quint.ts'
import { recordSimulation } from './record.ts'
import { isBorne, rehearse, rehearseSpare, samplesToFind } from './rehearse.ts'
import { replay } from './replay.ts'
import { readTrace, type Recording, recordingOf } from './trace.ts'

/** The rarest flaw takes some 5,600 traces (W-votes at n=10); what is not found in these counts as not found. */
const SAMPLES_PER_FLAW_MAX = 20_000
/** Slots of a recording: enough for blocks over skipped slots, few enough for a second each. */
const RECORDED_SLOTS = 8
const RECORDED_PRESETS: readonly LedgerPreset[] = ['cft-3', 'bft-4', 'bft-7']

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    times: { type: 'string', default: '1' },
    recordings: { type: 'string', default: '10' },
    trace: { type: 'string', multiple: true, default: [] },
  },
})
const seed = BigInt(values.seed)
const times = Number(values.times)
let failures = 0

if (values.trace.length > 0) {
  for (const file of values.trace) await runRecording(file, readTrace(await readFile(file, 'utf8')))
} else {
  for (const file of ['slot.qnt', 'chain.qnt'] as const) {
    const model = await loadModel(file)
    const instances = INSTANCES.filter((instance) => instance.file === file)
    for (const instance of instances) runSound(model, instance)
    for (const instance of instances) runFlawed(model, instance)
  }
  for (const preset of RECORDED_PRESETS) {
    for (let count = 1; count <= Number(values.recordings); count++) {
      const { lines, failure } = recordSimulation(preset, count, RECORDED_SLOTS)
      if (failure !== undefined) report(false, `simulator ${preset} seed ${count}: ${failure}`)
      await runRecording(`simulator ${preset} seed ${count}`, recordingOf(lines))
    }
  }
}
console.log(failures === 0 ? `\nall as it must be, SEED=${seed}` : `\n${failures} not as it must be, SEED=${seed}`)
if (failures > 0) process.exitCode = 1

async function runRecording(name: string, recording: Recording): Promise<void> {
  const result = await replay(recording)
  const outcome =
    result.type === 'refused'
      ? `line ${result.move.line} is not allowed: ${JSON.stringify(result.move)}`
      : result.type === 'unsafe'
        ? 'every move is allowed, and an invariant is violated'
        : `${result.moves} moves in ${recording.slots} slots, all allowed`
  report(result.type === 'allowed', `${name}: ${outcome}`)
}

function runSound(model: Model, instance: Instance): void {
  const samples = instance.samples * times
  const { violated, samples: run, statesMax, witnessed } = rehearse(model, instance, samples, seed)
  const unseen = Object.entries(witnessed).filter(([, count]) => count === 0)
  const seen = Object.entries(witnessed).map(([name, count]) => `${name} ${count}`)
  report(!violated && unseen.length === 0, `${instance.main}: ${run} traces of up to ${statesMax} states; ${seen.join(', ')}`)
  for (const guard of SPARE_GUARDS[instance.file === 'slot.qnt' ? 'slot' : 'chain']) {
    report(!rehearseSpare(model, instance, guard, samples, seed).violated, `${instance.main} without ${guard}: ${samples} traces`)
  }
}

function runFlawed(model: Model, instance: Instance): void {
  for (const flaw of instance.file === 'slot.qnt' ? SLOT_FLAWS : CHAIN_FLAWS) {
    const borne = isBorne(flaw, instance.preset)
    const found = samplesToFind(model, instance, flaw, borne ? instance.samples * times : SAMPLES_PER_FLAW_MAX, seed)
    const outcome = found === undefined ? 'not found' : `${flaw.breaks} fails in trace ${found}`
    report(
      (found === undefined) === borne,
      `${instance.main} with ${flaw.name} (${flaw.what}): ${outcome}${borne ? ', as it should be' : ''}`,
    )
  }
}

function report(good: boolean, line: string): void {
  if (!good) failures++
  console.log(`${good ? 'ok   ' : 'WRONG'} ${line}`)
}
