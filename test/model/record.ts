import type { LedgerPreset } from '@cairn/simulator'
import { simulateLedger } from '@cairn/simulator'
import { TraceRecorder } from './recorder.ts'
import type { TraceLine } from './trace.ts'

export interface RecordedRun {
  readonly lines: readonly TraceLine[]
  /** What the simulator's own checker found, where the recording then ends. */
  readonly failure: string | undefined
}

/** Records a simulator's seed: the engine's replicas under the faults and liars that the seed brings. */
export function recordSimulation(preset: LedgerPreset, seed: number, slotsMax: number): RecordedRun {
  let recorder: TraceRecorder | undefined
  const { failure } = simulateLedger({
    seed,
    preset,
    twice: false,
    observer: {
      started: (size, liars, base) => (recorder = new TraceRecorder({ size, liars, base, slotsMax })),
      vote: (vote) => recorder?.vote(vote),
      certificate: (certificate) => recorder?.certificate(certificate),
      header: (header) => recorder?.header(header),
      final: (point, node) => recorder?.final(point, node),
    },
  })
  return { lines: recorder?.lines ?? [], failure: failure?.message }
}
