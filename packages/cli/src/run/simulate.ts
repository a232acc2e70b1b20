import { setImmediate } from 'node:timers/promises'
import { type LedgerOutcome, simulateLedger } from '@cairn/simulator'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'

/** Failures that are told in full; of the others the line that replays them is enough. */
const STORIES_MAX = 1

export const runSimulate: CommandHandler<'simulate'> = async ({ seed, seeds, presets, once, realSignatures }, io) => {
  let steps = 0
  let runs = 0
  const failed: LedgerOutcome[] = []
  const startedAt = io.clock.now()
  for (const preset of presets) {
    for (let next = seed; next < seed + seeds; next++) {
      io.signal.throwIfAborted()
      const outcome = simulateLedger({ seed: next, preset, twice: !once, realSignatures })
      steps += outcome.steps * (once ? 1 : 2)
      runs++
      if (outcome.failure !== undefined) tell(failed, outcome, (text) => io.note(text))
      const { failure, ...facts } = outcome
      io.emit({
        type: 'simulated',
        ...facts,
        ...(failure && { invariant: failure.invariant, message: failure.message, replay: failure.replay }),
      })
      // Between two seeds the process may be told to stop.
      await setImmediate()
    }
  }
  const elapsedMs = Math.max(1, io.clock.now() - startedAt)
  const perSecond = Math.round((steps * 1000) / elapsedMs)
  io.say(
    { type: 'simulation', seeds: runs, failed: failed.length, steps, stepsPerSecond: perSecond },
    `simulated  ${runs} seeds of ${presets.join(', ')}: ${steps} steps, ${perSecond} a second, ${failed.length} failed`,
  )
  const [first] = failed
  if (first?.failure === undefined) return
  throw new CliError(
    `seed ${first.seed} of ${first.preset} broke ${first.failure.message.split('\n', 1)[0]}`,
    `replay it with ${first.failure.replay}`,
    EXIT.verification,
    { code: `SIMULATION_${first.failure.invariant}` },
  )
}

function tell(failed: LedgerOutcome[], outcome: LedgerOutcome, note: (text: string) => void): void {
  const { failure } = outcome
  if (failure === undefined) return
  if (failed.length < STORIES_MAX) note(failure.story)
  note(`${failure.message}\n  ${failure.replay}`)
  failed.push(outcome)
}
