import { constants } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { initWorkspace, peerAddress, peerId, startJoin, startOrigin, startPublish } from '../contenders/cairn.ts'
import type { RoleProcess } from '../process.ts'
import type { Site } from '../site.ts'
import { type Change, costOf, type PreparedUpdate, type Updater } from './updater.ts'

/** Publishes both versions and joins one on top of the other. */
export const cairnUpdate: Updater = {
  name: 'cairn',
  note:
    'cairn: both versions published, the old one joined, then the new one on top of it, with `join LEDGER@HEIGHT --into DIR` both times; ' +
    'preparing is `publish` of the version published last, which also cuts, compresses, stores and signs all of it',
  tools: [],
  prepare: (change, directory) => prepareCairn(change, directory, change.isBack ? 'first' : 'any'),
}

/** For an older version than the one held nothing is prepared before it is asked for. */
export const cairnAskedBefore: Updater = {
  name: 'cairn, asked before',
  note:
    'cairn back: every round has an origin that was never asked for this direction; ' +
    'asked before: another node has gone the same way, and the origin has come to rest since',
  tools: [],
  prepare: (change, directory) => prepareCairn(change, directory, 'later'),
}

/** Whether the node is the first that takes an origin this way, or a later one, or it does not matter. */
type Turn = 'first' | 'later' | 'any'

async function prepareCairn({ from, to, isBack }: Change, directory: string, turn: Turn): Promise<PreparedUpdate> {
  const published = join(directory, 'workspace')
  const [first, second, heldHeight, wantedHeight] = isBack ? ([to, from, 2, 1] as const) : ([from, to, 1, 2] as const)
  await initWorkspace(published)
  await costOf(() => startPublish(first.directory, published, 1))
  // Who goes forward has heard nothing of the later version before it comes: neither metadata nor pages.
  const earlier = isBack ? undefined : join(directory, 'earlier')
  if (earlier !== undefined) await copyTree(published, earlier)
  const preparing = await costOf(() => startPublish(second.directory, published, 2))
  // What an origin learns is kept in its workspace, so who is to be the first gets one of its own.
  const workspaceOf = (source: Site): string => (turn === 'any' ? published : join(source.directory, 'workspace'))
  return {
    preparing,
    complete: /^\{"type":"joined"/,
    async hold(node, source) {
      if (turn !== 'any') await copyTree(published, workspaceOf(source))
      await using origin = startOrigin(source, earlier ?? workspaceOf(source))
      const peers = [peerAddress({ ...source, id: await peerId(origin) })]
      await startJoin(node, published, peers, [], undefined, heldHeight).succeeded()
      if (turn !== 'later') return
      const other: Site = { ...node, into: join(node.directory, 'other') }
      for (const height of [heldHeight, wantedHeight]) await startJoin(other, published, peers, [], undefined, height).succeeded()
      await atRest(origin)
      await rm(other.into, { recursive: true })
    },
    async startSource(site) {
      const role = startOrigin(site, workspaceOf(site))
      return { role, helpers: [], id: await peerId(role) }
    },
    startNode: (node, source) => startJoin(node, published, [peerAddress(source)], ['--json', '--stay'], undefined, wantedHeight),
    figures,
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE })
}

const REST_POLL_MS = 500
/** Of processor time, in two polls one after the other. */
const REST_SECONDS_MAX = 0.03
const REST_POLLS_MAX = 240

/** Resolves when the process has hardly done anything for a second, which is when what it does in the background is over. */
async function atRest(role: RoleProcess): Promise<void> {
  let idle = 0
  for (let poll = 0; poll < REST_POLLS_MAX && idle < 2; poll++) {
    const { cpuSeconds } = role.usage
    await delay(REST_POLL_MS)
    idle = role.usage.cpuSeconds - cpuSeconds <= REST_SECONDS_MAX ? idle + 1 : 0
  }
}

/** Of the events of those types, as far as they are read here. */
interface ChunkReceived {
  readonly frameBytes: number
  readonly plainBytes: number
}
interface Planned {
  readonly chunksAsDelta?: number
  readonly deltaBytes?: number
}

/** Chunks as they were sent, and how many of them sources offered as deltas; what else was sent is manifest, trust metadata and messages. */
function figures(node: RoleProcess): Figures {
  const chunks = eventsOf<ChunkReceived>(node, 'chunk-received')
  const [{ chunksAsDelta = 0, deltaBytes = 0 } = {}] = eventsOf<Planned>(node, 'planned')
  return {
    chunks: chunks.length,
    chunkFrameBytes: chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0),
    chunkPlainBytes: chunks.reduce((sum, { plainBytes }) => sum + plainBytes, 0),
    deltas: chunksAsDelta,
    deltaBytes,
    ...Object.fromEntries(
      FRAME_CLASSES.flatMap((frameClass, index) => figuresOf(chunks, frameClass, FRAME_CLASSES[index - 1]?.shareMax ?? -1)),
    ),
  }
}

/** Frames by their share of their chunk: where the bytes go. */
export const FRAME_CLASSES = [
  { name: 'to5', label: 'up to 5 %', shareMax: 0.05 },
  { name: 'to10', label: '5 to 10 %', shareMax: 0.1 },
  { name: 'to25', label: '10 to 25 %', shareMax: 0.25 },
  { name: 'over25', label: 'more', shareMax: Infinity },
] as const

function figuresOf(
  chunks: readonly ChunkReceived[],
  { name, shareMax }: (typeof FRAME_CLASSES)[number],
  shareMin: number,
): (readonly [name: string, value: number])[] {
  const those = chunks.filter(({ frameBytes, plainBytes }) => frameBytes > shareMin * plainBytes && frameBytes <= shareMax * plainBytes)
  return [
    [`${name}Chunks`, those.length],
    [`${name}FrameBytes`, those.reduce((sum, { frameBytes }) => sum + frameBytes, 0)],
  ]
}

type Figures = Readonly<Record<string, number>>

function eventsOf<Event>({ lines }: RoleProcess, type: string): Event[] {
  return lines.filter((line) => line.startsWith(`{"type":"${type}"`)).map((line) => JSON.parse(line) as Event)
}
