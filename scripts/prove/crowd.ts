import { generateLedger } from '../../test/datasets/index.ts'
import type { CairnProcess } from '../../test/e2e/cairn-process.ts'
import type { Daemon } from '../../test/e2e/daemon.ts'
import { LEDGER, Scene } from '../../test/e2e/harness.ts'
import { assertSameTree, treeBytes } from '../../test/e2e/trees.ts'
import { type Claim, memoryClaim, mib, type Proof } from './proof.ts'

const NODES = 64
const SLOWEST_RATIO_MAX = 1.5
/** How many join beside readers that read slowly or not at all, and how often, with and without them in turn. */
const NODES_BESIDE = 8
const ROUNDS_BESIDE = 2
const SLOWED_RATIO_MAX = 1.5
/** Two that read what TCP brings and nothing else, and two that are stopped, whose sockets nobody reads. */
const NEVER_READING = 4
const SLOW_BYTES_PER_SECOND = 1024 ** 2
const PATIENCE_MS = 15 * 60_000
/** 64 processes to look after: often enough for what only grows. */
const USAGE_POLL_MS = 1_000

const STUBBORN_READER = new URL('../../test/e2e/stubborn-reader.ts', import.meta.url).pathname

/** One origin that many nodes, each a process, ask at once; and one that some ask beside readers that hold up what they asked for. */
export const proveCrowd: Proof = async ({ bytes, seed }) => {
  await using data = await Scene.create()
  const source = data.path('ledger')
  await generateLedger({ path: source, bytes, seed, version: 1 })
  const workspace = await data.init()
  await data.publish(workspace, source, 1, '--bootstrap', 'MANIFEST*')
  console.log(`the ledger holds ${mib(await treeBytes(source))}`)
  const published = { source, workspace }
  return [...(await joinAtOnce(published)), ...(await joinBesideStubborn(published))]
}

interface Published {
  readonly source: string
  readonly workspace: string
}

async function joinAtOnce({ source, workspace }: Published): Promise<readonly Claim[]> {
  await using scene = await Scene.create()
  const origin = await scene.origin(workspace)
  const targets = Array.from({ length: NODES }, (_, i) => scene.path(`joined-${i}`))
  const nodes = targets.map((into) => join(scene, workspace, origin, into))
  const times = await Promise.all(nodes.map(timesOf))
  const fromStart = times.map(({ joinedMs }) => joinedMs / 1000)
  tell(
    's from the start until connected',
    times.map(({ connectedMs }) => connectedMs / 1000),
  )
  tell('s from the start until joined', fromStart)
  tell(
    's from connecting until its first stage is in place',
    times.map(({ usableMs, connectedMs }) => (usableMs - connectedMs) / 1000),
  )
  const seconds = times.map(({ joinedMs, connectedMs }) => (joinedMs - connectedMs) / 1000)
  tell('s from connecting until joined', seconds)
  tell(
    'peers of a node',
    nodes.map((node) => node.eventsOf('peer-connected').length - node.eventsOf('peer-disconnected').length),
  )
  tell(
    'dials that failed',
    nodes.map((node) => node.eventsOf('dial-failed').length),
  )
  for (const [reason, count] of dialFailures(nodes)) console.log(`${count} × ${reason}`)
  console.log(`the origin sent ${mib(await origin.metric('cairn_served_bytes_total'))} of frames`)
  for (const target of targets) await assertSameTree(target, source)
  const largest = nodes.reduce((one, other) => (one.usage.rssBytesMax > other.usage.rssBytesMax ? one : other))
  return [
    { claim: `${NODES} nodes that start at once all have every file as it was published`, holds: true },
    slowestClaim('from the start of all', fromStart),
    slowestClaim('from its connecting on', seconds),
    memoryClaim('the origin', origin.process),
    memoryClaim(`the largest of ${NODES} nodes`, largest),
  ]
}

function slowestClaim(span: string, seconds: readonly number[]): Claim {
  const ratio = Math.max(...seconds) / median(seconds)
  return { claim: `${span} the slowest takes ${ratio.toFixed(2)} times as long as the median`, holds: ratio <= SLOWEST_RATIO_MAX }
}

async function joinBesideStubborn({ source, workspace }: Published): Promise<readonly Claim[]> {
  await using scene = await Scene.create()
  const alone = await scene.origin(workspace)
  const beset = await scene.origin(workspace)
  const readers = Array.from({ length: NEVER_READING }, () => stubborn(scene, workspace, beset, 0))
  const slow = stubborn(scene, workspace, beset, SLOW_BYTES_PER_SECOND)
  await Promise.all([...readers, slow].map((reader) => reader.event('asked')))
  for (const reader of readers.slice(0, NEVER_READING / 2)) process.kill(reader.pid ?? 0, 'SIGSTOP')

  const seconds = { alone: [] as number[], beset: [] as number[] }
  for (let round = 0; round < ROUNDS_BESIDE; round++) {
    for (const [name, origin] of [
      ['alone', alone],
      ['beset', beset],
    ] as const) {
      const targets = Array.from({ length: NODES_BESIDE }, (_, i) => scene.path(`${name}-${round}-${i}`))
      const nodes = targets.map((into) => join(scene, workspace, origin, into))
      const times = await Promise.all(nodes.map(timesOf))
      seconds[name].push(median(times.map(({ joinedMs, connectedMs }) => (joinedMs - connectedMs) / 1000)))
      for (const target of targets) await assertSameTree(target, source)
      await Promise.all(nodes.map((node) => node.stop()))
    }
  }
  console.log(`${NODES_BESIDE} nodes, median s from connecting until joined, alone ${list(seconds.alone)}, beset ${list(seconds.beset)}`)
  const ratio = Math.min(...seconds.beset) / Math.min(...seconds.alone)
  const dropped = (): readonly unknown[] => beset.process.eventsOf('slow-reader-dropped').map(({ reason }) => reason)
  const isAllDropped = (): true | undefined => (dropped().length >= NEVER_READING ? true : undefined)
  await beset.process.until('every peer that never reads to be cut off', isAllDropped)
  const slowBytes = Number(slow.eventsOf('read').at(-1)?.['bytes'] ?? 0)
  return [
    {
      claim: `beside ${NEVER_READING} peers that ask and never read and one that reads 1 MiB/s, nodes take ${ratio.toFixed(2)} times as long as without`,
      holds: ratio <= SLOWED_RATIO_MAX,
    },
    { claim: `those that never read are cut off, and nobody else: ${dropped().join(', ')}`, holds: dropped().length === NEVER_READING },
    { claim: `the slow one goes on reading: ${mib(slowBytes)} so far`, holds: slowBytes > 0 && slow.eventsOf('closed').length === 0 },
    memoryClaim('their origin', beset.process),
  ]
}

function join(scene: Scene, workspace: string, origin: Daemon, into: string): CairnProcess {
  const where = ['--into', into, '--trust', `${workspace}/root.json`, '--peer', origin.address, '--listen', '/ip4/127.0.0.1/tcp/0']
  const args = ['join', LEDGER, ...where, '--timeout', `${PATIENCE_MS / 60_000}m`, '--stay', '--json']
  return scene.start({ args, patienceMs: PATIENCE_MS, usagePollMs: USAGE_POLL_MS })
}

function stubborn(scene: Scene, workspace: string, origin: Daemon, bytesPerSecond: number): CairnProcess {
  return scene.start({ script: STUBBORN_READER, args: [workspace, origin.address, `${bytesPerSecond}`] })
}

interface Times {
  readonly connectedMs: number
  readonly usableMs: number
  readonly joinedMs: number
}

/** When `node` printed each, from now. */
async function timesOf(node: CairnProcess): Promise<Times> {
  const started = performance.now()
  const at = async (type: string): Promise<number> => {
    await node.event(type)
    return performance.now() - started
  }
  const [connectedMs, usableMs, joinedMs] = await Promise.all([at('peer-connected'), at('usable'), at('joined')])
  return { connectedMs, usableMs, joinedMs }
}

function tell(what: string, values: readonly number[]): void {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  console.log(`${what}: ${least.toFixed(1)} to ${most.toFixed(1)}, median ${median(values).toFixed(1)}`)
}

function list(values: readonly number[]): string {
  return values.map((value) => value.toFixed(1)).join(' and ')
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Why dials failed, and how often; ports and peers left out. */
function dialFailures(nodes: readonly CairnProcess[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const event of nodes.flatMap((node) => node.eventsOf('dial-failed'))) {
    const reason = String(event['reason']).replaceAll(/\d{2,}|12D3\w+/g, '…')
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return counts
}
