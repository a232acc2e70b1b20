import { Bitmap, type StageClass } from '@cairn/protocol'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import { type ChunkCatalogue, Download, type DownloadEffect, type DownloadInput } from '../src/index.ts'

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
}

export interface Outcome {
  readonly trace: readonly DownloadInput[]
  readonly effects: readonly DownloadEffect[]
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
    random: random.fork('download'),
    now: 0,
  })
  const trace: DownloadInput[] = []
  const all: DownloadEffect[] = []
  const received = new Map<number, number>()
  const inFlight: { readonly source: string; readonly chunk: number; readonly atMs: number }[] = []
  let nowMs = 0
  let ended = false

  const feed = (input: DownloadInput): void => {
    trace.push(input)
    for (const effect of machine.step(input)) {
      all.push(effect)
      if (effect.type === 'complete' || effect.type === 'failed') ended = true
      if (effect.type !== 'request') continue
      for (const chunk of effect.chunks) {
        if (randomBelow(chance, 100) < sources[effect.source]!.lostPercent) continue
        inFlight.push({ source: effect.source, chunk, atMs: nowMs + 1 + randomBelow(chance, 200) })
      }
    }
  }

  for (const [source, { have }] of Object.entries(sources)) feed({ type: 'source-joined', source, have, now: nowMs })
  while (!ended && nowMs < 3_600_000) {
    nowMs += 50
    const due = inFlight.filter((answer) => answer.atMs <= nowMs)
    for (const answer of due) inFlight.splice(inFlight.indexOf(answer), 1)
    for (const { source, chunk } of due) {
      const behaviour = sources[source]!
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
  return { trace, effects: all, received, download: machine, nowMs }
}
