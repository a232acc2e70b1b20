import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Node, type NodeEvent } from '@cairn/node'
import { seededRandom, silentLog, systemClock } from '@cairn/runtime'
import { generateLedger } from '../../test/datasets/index.ts'
import { fetchedBytes, LEDGER, Scene } from '../../test/e2e/harness.ts'
import { assertSameTree } from '../../test/e2e/trees.ts'
import { mib, type Proof, timed } from './proof.ts'

const BOOTSTRAP = ['CURRENT', 'MANIFEST*']
/** Slow enough that the rest is on its way for seconds. */
const BYTES_PER_SECOND_MAX = 8 * 1024 ** 2
const READ_BYTES = 100_000
/** How many chunks have to have come before the read: the queue is long, and the start is over. */
const CHUNKS_BEFORE_READ = 20

/** A join that returns with its bootstrap stage, and a read of a missing range through the library while the rest is on its way. */
export const proveStages: Proof = async ({ bytes, seed }) => {
  await using scene = await Scene.create()
  const source = scene.path('ledger')
  await generateLedger({ path: source, bytes, seed: 1, version: 1 })
  const workspace = await scene.init()
  await scene.publish(workspace, source, 1, ...BOOTSTRAP.flatMap((glob) => ['--bootstrap', glob]))
  const origin = await scene.origin(workspace)

  const into = scene.path('staged')
  const staged = scene.join({ workspace, peers: [origin], into, flags: ['--stage', 'bootstrap'] })
  const [, seconds] = await timed(() => staged.succeeded())
  const early = (await readdir(into)).filter((name) => name !== '.cairn')
  const wanted = (await readdir(source)).filter((name) => name === 'CURRENT' || name.startsWith('MANIFEST'))
  const same = await Promise.all(wanted.map(async (name) => (await readFile(join(into, name))).equals(await readFile(join(source, name)))))
  const rest = scene.join({ workspace, peers: [origin], into })
  await rest.succeeded()
  await assertSameTree(into, source)

  // The same in one process, through the library.
  const events: NodeEvent[] = []
  await using node = await Node.start(
    {
      selector: { ledger: LEDGER },
      trustRoot: await readFile(join(workspace, 'root.json')),
      network: 'main',
      peers: [origin.address],
      into: scene.path('read'),
      listen: [],
      bytesPerSecondMax: BYTES_PER_SECOND_MAX,
    },
    { clock: systemClock, random: seededRandom(seed), log: silentLog, reporter: { report: (event) => void events.push(event) } },
  )
  const received = (): number => events.filter(({ type }) => type === 'chunk-received').length
  const joining = node.join(new AbortController().signal)
  const usableMs = await node.usable
  while (received() < CHUNKS_BEFORE_READ) await new Promise((resolve) => setTimeout(resolve, 10))
  const file = await lastTable(source)
  const from = Math.floor(file.bytes / 2)
  const before = received()
  const left = node.progress.chunksCount - before
  const [read, readSeconds] = await timed(() => node.read(file.name, from, from + READ_BYTES))
  const ahead = received() - before
  const isSame = Buffer.from(read).equals((await readFile(join(source, file.name))).subarray(from, from + READ_BYTES))
  await joining
  await assertSameTree(scene.path('read'), source)
  const progress = only(events, 'usable', 'join-complete')
  return [
    {
      claim: `join --stage bootstrap returns after ${seconds.toFixed(2)} s with ${early.join(', ')} as published, ${mib(fetchedBytes(staged))} of ${mib(bytes)} fetched`,
      holds: same.every(Boolean) && wanted.every((name) => early.includes(name)) && fetchedBytes(staged) < bytes / 2,
    },
    { claim: 'a later run goes on and completes it, byte for byte', holds: rest.eventsOf('joined').length === 1 },
    {
      claim: `through the library the node is usable after ${Math.round(usableMs)} ms, complete after ${Math.round(progress.at(-1)!)} ms`,
      holds: usableMs < progress.at(-1)!,
    },
    {
      claim: `a read of ${READ_BYTES} missing bytes of ${file.name} takes ${readSeconds.toFixed(2)} s; ${ahead} chunks arrive until then, of ${left} that were missing`,
      holds: isSame && ahead < left / 4,
    },
  ]
}

/** Milliseconds since the start of these events. */
function only(events: readonly NodeEvent[], ...types: readonly NodeEvent['type'][]): readonly number[] {
  return events.flatMap((event) => {
    if (!types.includes(event.type)) return []
    return 'sinceStartMs' in event ? [event.sinceStartMs] : 'durationMs' in event ? [event.durationMs] : []
  })
}

/** The last table by name: one of the bulk, which is not fetched early. */
async function lastTable(directory: string): Promise<{ readonly name: string; readonly bytes: number }> {
  const name = (await readdir(directory))
    .filter((file) => file.endsWith('.ldb'))
    .toSorted()
    .at(-1)!
  return { name, bytes: (await stat(join(directory, name))).size }
}
