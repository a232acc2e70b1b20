import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import type { CairnProcess } from '../../test/e2e/cairn-process.ts'
import type { Daemon } from '../../test/e2e/daemon.ts'
import { fetchedBytes, Scene } from '../../test/e2e/harness.ts'
import { distinctBytes, makeVersions, type PublishedVersion } from './follow-versions.ts'
import { FollowedDirectory } from './followed-directory.ts'
import { type Claim, memoryClaim, mib, type Proof } from './proof.ts'

const READER = fileURLToPath(new URL('follow-reader.ts', import.meta.url))
const VERSIONS = 10
const MOMENT_MS_MAX = 200
/** Of a version: about what the next one brings anew. A kill comes before that much has come. */
const NEWS_SHARE = 1 / 8
const CHUNK_BYTES = 256 * 1024
/** Of a version a second, so that its news take longer to fetch than two more versions to publish. */
const FETCHED_SHARE_PER_SECOND = 1 / 256
const DISK_SHARE_MAX = 1.3
const FETCHED_SHARE_MAX = 1.1

/** When versions are published, and whether the node is killed while it works on the last of them. */
interface Step {
  readonly heights: readonly number[]
  /** `begun`: the next one comes as soon as the node fetches this one; `at once`: it does not wait for that. */
  readonly pace?: 'begun' | 'at once'
  readonly isKilled?: boolean
}

const STEPS: readonly Step[] = [
  { heights: [1], isKilled: true },
  { heights: [2], isKilled: true },
  { heights: [3, 4], pace: 'begun' },
  { heights: [5, 6, 7], pace: 'at once', isKilled: true },
  { heights: [8], isKilled: true },
  { heights: [9] },
  { heights: [10], isKilled: true },
]

/** A node that follows ten versions, slower than they come, and is killed five times, while somebody reads what it has. */
export const proveFollow: Proof = async ({ bytes, seed }) => {
  await using scene = await Scene.create()
  const published = await makeVersions(scene.path('versions'), VERSIONS, bytes)
  const workspace = await scene.init()
  const random = seededRandom(seed)
  const into = scene.path('followed')
  await using directory = new FollowedDirectory(into, published)
  const snapshots = new Map<number, string>()
  const inUseBehind = new Map<number, number>()
  const publish = async (height: number): Promise<void> => {
    const { snapshot } = await scene.publish(workspace, published[height - 1]!.path, height)
    snapshots.set(height, snapshot)
    inUseBehind.set(height, await directory.current())
  }
  await publish(1)
  const origin = await scene.origin(workspace)
  const reader = scene.start({ script: READER, args: [into], patienceMs: READER_PATIENCE_MS })
  const follower = new Follower(scene, workspace, origin, into)

  follower.start([])
  for (const { heights, pace, isKilled } of STEPS) {
    for (const [index, height] of heights.entries()) {
      if (height > 1) await publish(height)
      if (pace === 'begun' && index < heights.length - 1) {
        await directory.until(`a chunk of height ${height}`, () => follower.hasChunkOf(snapshots.get(height)!))
      }
    }
    const height = heights.at(-1)!
    if (isKilled === true) {
      const chunksMax = Math.ceil((bytes * NEWS_SHARE) / CHUNK_BYTES)
      await killAtRandom(random, follower, directory, height, randomBelow(random, chunksMax))
      // All of the first version would take minutes.
      follower.start(height === 1 ? [] : ['--max-rate', `${Math.round(bytes * FETCHED_SHARE_PER_SECOND)}B/s`])
    }
    await directory.reached(height)
    console.log(`height ${height} is in use, the node was killed ${follower.kills} times`)
  }
  const left = await directory.versions()
  await follower.stop()
  await directory.checkCurrent()
  await reader.stop()
  return claims({ published, directory, follower, reader, left, origin, inUseBehind })
}

/** The reader is never silent for long: it says what it reads when that changes, and in the end. */
const READER_PATIENCE_MS = 600_000

/** Kills the node when `count` more chunks have come, or `height` is in use, or some moments later; what it leaves in use must be whole. */
async function killAtRandom(
  random: Random,
  follower: Follower,
  directory: FollowedDirectory,
  height: number,
  count: number,
): Promise<void> {
  const before = follower.chunksCount
  await directory.until(`${count} chunks`, () => follower.chunksCount - before >= count || (directory.committed.at(-1) ?? 0) >= height)
  await delay(randomBelow(random, MOMENT_MS_MAX))
  await follower.kill()
  await directory.checkCurrent()
  console.log(`killed ${follower.chunksCount - before} chunks later, on the way to ${height}: ${await directory.current()} is in use`)
}

interface Outcome {
  readonly published: readonly PublishedVersion[]
  readonly directory: FollowedDirectory
  readonly follower: Follower
  readonly reader: CairnProcess
  /** Heights on the disk in the end. */
  readonly left: readonly number[]
  readonly origin: Daemon
  /** Which height was in use when a height had been published. */
  readonly inUseBehind: ReadonlyMap<number, number>
}

function claims({ published, directory, follower, reader, left, origin, inUseBehind }: Outcome): Claim[] {
  const { committed, diskBytesMax } = directory
  const unseen = follower.heights.filter((height) => !committed.includes(height))
  const faults = [...directory.faults, ...unseen.map((height) => `height ${height} was in use too shortly to be compared`)]
  const versions = committed.map((height) => published[height - 1]!)
  const pairs = versions.map((version, index) => distinctBytes(version, versions[index - 1] ?? version))
  const diskShare = diskBytesMax / Math.max(...pairs)
  const fetchedShare = fetchedBytes(...follower.runs) / distinctBytes(...published)
  const seen = reader.eventsOf('seen')
  const mixtures = seen.filter(({ first, last, digest }) => first !== last || published[Number(first) - 1]?.digest !== digest)
  const [done] = reader.eventsOf('done')
  const wrong = [...mixtures, ...reader.eventsOf('broken'), ...reader.eventsOf('backwards')]
  return [
    {
      claim: `of ${VERSIONS} published versions ${committed.join(', ')} were in use, each byte for byte as published${list(faults)}`,
      holds: faults.length === 0 && committed.at(-1) === VERSIONS,
    },
    {
      claim:
        `height 4 came while ${inUseBehind.get(4)} was in use and 3 on its way; ` +
        `6 and 7 came while ${inUseBehind.get(6)} and ${inUseBehind.get(7)} were in use and 5 on its way`,
      holds: inUseBehind.get(4)! < 3 && inUseBehind.get(7)! < 5,
    },
    {
      claim: `killed ${follower.kills} times, the version in use was whole each time`,
      holds: faults.length === 0 && follower.kills === KILLS,
    },
    {
      claim:
        `a reader of current looked ${String(done?.['looks'])} times, read all of it ${String(done?.['digests'])} times, ` +
        `was disturbed ${String(done?.['disturbed'])} times, and never saw a mixture${list(wrong.map((event) => JSON.stringify(event)))}`,
      holds: done !== undefined && wrong.length === 0 && 2 * new Set(seen.map(({ first }) => first)).size > committed.length,
    },
    {
      claim: `it took ${mib(diskBytesMax)} of disk at most, ${diskShare.toFixed(2)} × the distinct bytes of two versions`,
      holds: diskShare < DISK_SHARE_MAX,
    },
    { claim: `versions ${left.join(' and ')} are left`, holds: left.length <= 2 && left.includes(VERSIONS) },
    {
      claim: `it fetched ${mib(fetchedBytes(...follower.runs))}, ${fetchedShare.toFixed(2)} × the distinct bytes of all versions`,
      holds: fetchedShare < FETCHED_SHARE_MAX,
    },
    memoryClaim(`the largest of ${follower.runs.length} runs of the node`, follower.largest),
    memoryClaim('the origin', origin.process),
  ]
}

/** Of what went wrong. */
const SHOWN_MAX = 5
const KILLS = STEPS.filter(({ isKilled }) => isKilled).length

function list(wrong: readonly string[]): string {
  return wrong.length === 0 ? '' : `, but, ${wrong.length} times: ${wrong.slice(0, SHOWN_MAX).join('; ')}`
}

/** `join --follow`, one process after the other. */
class Follower {
  readonly runs: CairnProcess[] = []
  kills = 0
  readonly #scene: Scene
  readonly #workspace: string
  readonly #origin: Daemon
  readonly #into: string

  constructor(scene: Scene, workspace: string, origin: Daemon, into: string) {
    this.#scene = scene
    this.#workspace = workspace
    this.#origin = origin
    this.#into = into
  }

  start(more: readonly string[]): void {
    const flags = ['--follow', ...more]
    this.runs.push(this.#scene.join({ workspace: this.#workspace, peers: [this.#origin], into: this.#into, flags }))
  }

  /** The run that had most memory: the last one may have ended before anybody looked. */
  get largest(): CairnProcess {
    return this.runs.reduce((largest, run) => (run.usage.rssBytesMax > largest.usage.rssBytesMax ? run : largest))
  }

  /** Chunks that all runs received. */
  get chunksCount(): number {
    return this.runs.reduce((sum, run) => sum + run.eventsOf('chunk-received').length, 0)
  }

  /** That a run said to have put in use. */
  get heights(): number[] {
    return this.runs.flatMap((run) => run.eventsOf('version-switched').map(({ height }) => Number(height)))
  }

  hasChunkOf(snapshot: string): boolean {
    return this.#last.eventsOf('chunk-received').some((event) => event['snapshot'] === snapshot)
  }

  /** @throws {Error} if it had ended by itself */
  async kill(): Promise<void> {
    const { signal } = await this.#last.kill()
    if (signal === null) throw new Error(`the node ended by itself:\n${this.#last.stderr}`)
    this.kills++
  }

  async stop(): Promise<void> {
    await this.#last.stop()
  }

  get #last(): CairnProcess {
    return this.runs.at(-1)!
  }
}
