import { Bitmap, type StageClass } from '@cairn/protocol'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import { type ChunkCatalogue, Download, type DownloadEffect, type DownloadInput, TraceRecorder } from '../src/index.ts'

export const CHUNK_BYTES = 64 * 1024

/** `count` chunks of 64 KiB, the first tenth of them `bootstrap`. */
export function catalogue(count: number): ChunkCatalogue {
  return {
    chunksCount: count,
    chunkBytes: () => CHUNK_BYTES,
    chunkStage: (index): StageClass => (index < count / 10 ? 'bootstrap' : 'bulk'),
  }
}

export function download(count: number, seed: number | string = 1, have = new Bitmap(count)): Download {
  return new Download({ self: 'self', catalogue: catalogue(count), have, random: seededRandom(seed), now: 0 })
}

/** Chunks that `effects` ask of `source`. */
export function requested(effects: readonly DownloadEffect[], source?: string): number[] {
  return effects.flatMap((effect) =>
    effect.type === 'request' && (source === undefined || effect.source === source) ? [...effect.chunks] : [],
  )
}

/** How a simulated source answers. */
export interface SimulatedSource {
  readonly have: 'complete' | Bitmap
  /** Chance in percent that a chunk it sends is bad, refused, or lost without an answer. */
  readonly badPercent: number
  readonly refusedPercent: number
  readonly lostPercent: number
  /** Sends this long after it was asked, one chunk after the other; anything up to 200 ms without. */
  readonly everyMs?: number
  /** Sends nothing more from this time on. */
  readonly stallsAtMs?: number
}

export interface Outcome {
  readonly trace: readonly DownloadInput[]
  readonly effects: readonly DownloadEffect[]
  /** The effects of each input. */
  readonly steps: readonly (readonly DownloadEffect[])[]
  readonly received: ReadonlyMap<number, number>
  readonly download: Download
  readonly nowMs: number
}

/** Runs a download against simulated sources until it completes, fails, or an hour has passed. Every number comes from `seed`. */
export function simulate(count: number, sources: Readonly<Record<string, SimulatedSource>>, seed: number): Outcome {
  const random: Random = seededRandom(seed)
  const chance = random.fork('chance')
  const machine = new Download({
    self: 'self',
    catalogue: catalogue(count),
    have: new Bitmap(count),
    random: seededRandom(downloadSeed(seed)),
    now: 0,
  })
  const steps: (readonly DownloadEffect[])[] = []
  const quietUntilMs = new Map<string, number>()
  const trace: DownloadInput[] = []
  const all: DownloadEffect[] = []
  const received = new Map<number, number>()
  const inFlight: { readonly source: string; readonly chunk: number; readonly atMs: number; isCancelled: boolean }[] = []
  let nowMs = 0
  let ended = false

  const feed = (input: DownloadInput): void => {
    trace.push(input)
    const effects = machine.step(input)
    steps.push(effects)
    for (const effect of effects) {
      all.push(effect)
      if (effect.type === 'cancel') cancel(effect.source, effect.chunk)
      if (effect.type === 'complete' || effect.type === 'failed') ended = true
      if (effect.type !== 'request') continue
      for (const chunk of effect.chunks) {
        const { lostPercent, everyMs } = sources[effect.source]!
        if (randomBelow(chance, 100) < lostPercent) continue
        const atMs =
          everyMs === undefined ? nowMs + 1 + randomBelow(chance, 200) : Math.max(nowMs, quietUntilMs.get(effect.source) ?? 0) + everyMs
        quietUntilMs.set(effect.source, atMs)
        inFlight.push({ source: effect.source, chunk, atMs, isCancelled: false })
      }
    }
  }
  // What a source that is slow on purpose was told not to send, it refuses when it comes to it.
  const cancel = (source: string, chunk: number): void => {
    if (sources[source]!.everyMs === undefined) return
    for (const answer of inFlight) if (answer.source === source && answer.chunk === chunk) answer.isCancelled = true
  }

  for (const [source, { have }] of Object.entries(sources)) feed({ type: 'source-joined', source, have, now: nowMs })
  while (!ended && nowMs < 3_600_000) {
    nowMs += 50
    const due = inFlight.filter(({ source, atMs }) => atMs <= nowMs && nowMs < (sources[source]!.stallsAtMs ?? Number.POSITIVE_INFINITY))
    for (const answer of due) inFlight.splice(inFlight.indexOf(answer), 1)
    for (const { source, chunk, isCancelled } of due) {
      const behaviour = sources[source]!
      if (isCancelled) {
        feed({ type: 'refused', source, chunk, code: 'cancelled', now: nowMs })
        continue
      }
      const dice = randomBelow(chance, 100)
      if (dice < behaviour.refusedPercent) {
        feed({ type: 'refused', source, chunk, code: 'busy', now: nowMs })
        continue
      }
      received.set(chunk, (received.get(chunk) ?? 0) + 1)
      const wanted = machine.isReceivable(source, chunk)
      feed({ type: 'received', source, chunk, now: nowMs })
      if (!wanted) continue
      if (dice < behaviour.refusedPercent + behaviour.badPercent) feed({ type: 'bad', source, chunk, now: nowMs })
      else feed({ type: 'delivered', chunk, now: nowMs })
    }
    feed({ type: 'tick', now: nowMs })
  }
  return { trace, effects: all, steps, received, download: machine, nowMs }
}

/** The seed of the download in {@link simulate}, as a trace of it names it. */
export function downloadSeed(seed: number): string {
  return `download-${seed}`
}

/** The lines of a trace of a simulated download; `sayingSeed` is a lie in its header. */
export function recordedTrace(
  count: number,
  sources: Readonly<Record<string, SimulatedSource>>,
  seed: number,
  { sayingSeed = downloadSeed(seed) } = {},
): string[] {
  const { trace, steps } = simulate(count, sources, seed)
  const lines: string[] = []
  const init = { self: 'self', catalogue: catalogue(count), have: new Bitmap(count), now: 0 }
  const recorder = new TraceRecorder(init, sayingSeed, 'a snapshot', (line) => lines.push(line))
  for (const [i, input] of trace.entries()) recorder.record(input, steps[i]!)
  return lines
}
