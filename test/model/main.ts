// Runs the ledger's formal model: the protocol as it is, then with one flaw after the other.
// Usage: node test/model/main.ts [--seed N] [--times N]   (N times the usual number of traces of the sound protocol)
import { parseArgs } from 'node:util'
import { CHAIN_FLAWS, SLOT_FLAWS, SPARE_GUARDS } from './flaws.ts'
import { INSTANCES, type Instance } from './instances.ts'
import { loadModel, type Model } from './quint.ts'
import { isBorne, rehearse, rehearseSpare, samplesToFind } from './rehearse.ts'

/** The rarest flaw known takes some 1,500 traces; what is not found in these is taken for borne. */
const SAMPLES_PER_FLAW_MAX = 6000

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, times: { type: 'string', default: '1' } } })
const seed = BigInt(values.seed)
const times = Number(values.times)
let failures = 0

for (const file of ['slot.qnt', 'chain.qnt'] as const) {
  const model = await loadModel(file)
  const instances = INSTANCES.filter((instance) => instance.file === file)
  for (const instance of instances) runSound(model, instance)
  for (const instance of instances) runFlawed(model, instance)
}
console.log(failures === 0 ? `\nall as it must be, SEED=${seed}` : `\n${failures} not as it must be, SEED=${seed}`)
if (failures > 0) process.exitCode = 1

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
    report((found === undefined) === borne, `${instance.main} with ${flaw.name} (${flaw.what}): ${outcome}${borne ? ', as it should be' : ''}`)
  }
}

function report(good: boolean, line: string): void {
  if (!good) failures++
  console.log(`${good ? 'ok   ' : 'WRONG'} ${line}`)
}
