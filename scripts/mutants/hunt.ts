// Runs inside a sandbox: seeds of each preset in turn until one fails, then one line of JSON on stdout.
import { simulateLedger } from '@cairn/simulator'
import type { PresetName } from '@cairn/ledger'

const presets = (process.argv[2] ?? '').split(',') as PresetName[]
const seedsMax = Number(process.argv[3])
let seeds = 0

function hunt(): object {
  for (let seed = 1; seed <= seedsMax; seed++) {
    for (const preset of presets) {
      seeds++
      const { failure } = simulateLedger({ seed, preset, twice: false })
      if (failure !== undefined) return { killed: true, seeds, preset, seed, invariant: failure.invariant }
    }
  }
  return { killed: false, seeds }
}

process.stdout.write(JSON.stringify(hunt()))
