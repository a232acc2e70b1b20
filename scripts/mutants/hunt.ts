// Runs inside a sandbox: seeds of each schedule in turn until one fails, then one line of JSON on stdout.
import { simulateLedger } from '@cairn/simulator'
import type { HuntPlan } from './sandbox.ts'

const { schedules, without } = JSON.parse(process.argv[2] ?? '') as HuntPlan
let seeds = 0

function hunt(): object {
  for (const { focus, presets, seedsMax } of schedules) {
    for (let seed = 1; seed <= seedsMax; seed++) {
      for (const preset of presets) {
        seeds++
        const { failure } = simulateLedger({ seed, preset, focus, twice: false, without })
        if (failure !== undefined) return { killed: true, seeds, preset, seed, focus, invariant: failure.invariant }
      }
    }
  }
  return { killed: false, seeds }
}

process.stdout.write(JSON.stringify(hunt()))
