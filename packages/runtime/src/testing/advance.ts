import type { ManualClock } from './manual-clock.ts'

/** Steps after which a condition is given up. */
const STEPS_MAX = 20_000

/** Moves `clock` on in steps of `stepMs` until `done()`; each leaves the disk a millisecond to answer, which no manual time passes for. */
export async function advanceUntil(clock: ManualClock, stepMs: number, done: () => boolean): Promise<void> {
  for (let step = 0; !done(); step++) {
    if (step === STEPS_MAX) throw new Error('the condition did not hold')
    await clock.advance(stepMs)
    await new Promise((resolve) => {
      setTimeout(resolve, 1)
    })
  }
}

/** {@link advanceUntil} `work` has settled; gives what it gives. */
export async function advanceToEnd<T>(clock: ManualClock, stepMs: number, work: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = (): void => {
    isSettled = true
  }
  work.then(settled, settled)
  await advanceUntil(clock, stepMs, () => isSettled)
  return work
}
