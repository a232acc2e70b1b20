import {
  FollowingNode,
  type JoinProgress,
  type JoinSummary,
  Node,
  NODE_METRICS,
  NODE_RULES,
  type NodeEvent,
  type NodeInit,
  stallOf,
} from '@cairn/node'
import { describeDrop, describeSlowdown, describeStall } from '@cairn/swarm'
import type { CommandHandler } from '../handlers.ts'
import { readInputFile } from '../input-file.ts'
import type { CommandIo } from '../io.ts'
import { formatBytes, formatDuration, formatRate } from '../output/format.ts'
import { TraceFile } from '../output/trace-file.ts'
import { announceListening, observe, untilStopped } from './daemon.ts'

/** Brings a directory to a release, or to every release. */
export const runJoin: CommandHandler<'join'> = async (options, io) => {
  const trustRoot = readInputFile(options.trust, '--trust')
  using trace = options.trace === undefined ? undefined : new TraceFile(options.trace)
  let node: Node | FollowingNode | undefined
  const observed = await observe<NodeEvent, typeof NODE_METRICS>(io, NODE_RULES, NODE_METRICS, options.http, {
    report: (event) => showEvent(io, event, node),
  })
  const { release, network, peers, into, listen, region, mdns, timeoutMs, stage, maxRate, seeds } = options
  const init: NodeInit = {
    selector: release,
    trustRoot,
    network,
    peers,
    into,
    listen,
    mdns,
    patienceMs: timeoutMs,
    seeds,
    ...(region === undefined ? {} : { region }),
    ...(trace === undefined ? {} : { onTrace: (line) => trace.write(line) }),
    ...(maxRate === undefined ? {} : { bytesPerSecondMax: maxRate }),
  }
  const components = { clock: io.clock, random: io.random, log: io.log, reporter: observed.reporter }
  if (options.follow) {
    await using following = await FollowingNode.start({ ...init, keep: options.keep, isCopying: options.copy }, components)
    node = following
    await using _server = await observed.serve(following)
    announceListening(io, following.addresses)
    await following.follow(io.signal)
    return
  }
  await using joining = await Node.start(init, components)
  node = joining
  await using _server = await observed.serve(joining)
  announceListening(io, joining.addresses)
  const summary = await joining.join(io.signal, stage === undefined ? {} : { stage })
  io.progress.clear()
  if (summary.reached === 'complete') sayJoined(io, summary, into)
  else sayStaged(io, summary, summary.reached, into, joining.progress)
  if (options.stay) await untilStopped(io.signal)
}

function showEvent(io: CommandIo, event: NodeEvent, node: Node | FollowingNode | undefined): void {
  showNews(io, event)
  if (node === undefined) return
  const { phase, bytes, bytesHeld, stage, slowed, peersCount } = node.progress
  const notes = [
    ...(stage === undefined ? [] : [`${stage} is in place`]),
    ...(slowed === undefined ? [] : [`slowed: ${describeSlowdown(slowed)}`]),
  ]
  io.progress.update({
    stage: phase === 'fetching' ? [phase, ...notes].join(', ') : phase,
    bytes: bytesHeld,
    bytesTotal: bytes === 0 ? undefined : bytes,
    peersCount,
    stall: stallOf(node.progress),
  })
}

/** What a person wants to be told as it happens. */
function showNews(io: CommandIo, event: NodeEvent): void {
  switch (event.type) {
    case 'release-chosen':
      return io.note(`joining ${event.ledger}@${event.height}, ${formatBytes(event.bytes)}, snapshot ${event.snapshot}`)
    case 'newer-release':
      return io.note(`going on with height ${event.joining}, which was begun here; ${event.ledger}@${event.height} is newer`)
    case 'resumed':
      return io.note(`resuming: ${formatBytes(event.bytesHeld)} are in place`)
    case 'planned':
      return io.note(planText(event))
    case 'rechecked':
      return io.note(
        event.damagedCount === 0 ? 'checked what is here: all as signed' : `checked what is here: mending ${event.damagedCount} paths`,
      )
    case 'stage-committed':
      return event.isResumed ? undefined : io.note(`stage ${event.stage} is in place after ${formatDuration(event.sinceStartMs)}`)
    case 'usable':
      return io.note(
        `usable after ${formatDuration(event.sinceStartMs)}: the ledger's software can start on it, and must not write to it yet`,
      )
    case 'rolled-back':
      return io.note(`${formatBytes(event.bytes)} in place were changed by somebody and are fetched again; ${inPlace(event.stage)}`)
    case 'version-switched':
      return io.note(`${event.ledger}@${event.height} is in use${event.from === null ? '' : `, after ${event.from}`}`)
    case 'version-overtaken':
      return io.note(`${event.reason}: height ${event.height} is not finished, what is here of it is kept`)
    case 'follow-paused':
      return event.reason === null ? undefined : io.note(`nothing newer is brought here: ${event.reason}`)
    case 'follow-failed':
      return io.note(`the next version could not be brought here: ${event.reason}; trying again in ${formatDuration(event.retryInMs)}`)
    case 'download-slowed':
      return io.note(`asking for less: ${describeSlowdown(event.reason)}`)
    case 'chunk-bad':
      return io.note(`${event.peer} sent a bad chunk: ${event.reason}`)
    case 'peer-banned':
      return io.note(`banned ${event.peer} for ${formatDuration(event.banMs)}: ${event.fault} ${event.detail}`)
    case 'source-dropped':
      // A ban, which follows from a bad chunk, says so itself.
      return event.reason === 'bad-chunk' ? undefined : io.note(`not asking ${event.peer} for now: ${describeDrop(event)}`)
    case 'dial-failed':
      return io.note(`cannot reach ${event.address}: ${event.reason}`)
    case 'metadata-refused':
      return io.note(`refused metadata of ${event.peer}: ${event.reason}`)
    case 'download-stalled':
      return io.note(`waiting: ${describeStall(event.reason)}`)
    default:
  }
}

function planText(plan: Extract<NodeEvent, { type: 'planned' }>): string {
  const { filesReused, files, chunksReused, bytesReused, chunksToFetch, bytesToFetch, chunksAsDelta, bytesAsDelta, deltaBytes } = plan
  const delta = chunksAsDelta === 0 ? '' : `${chunksAsDelta} chunks as deltas (${formatBytes(deltaBytes)}), `
  const plain = `${chunksToFetch - chunksAsDelta} whole (${formatBytes(bytesToFetch - bytesAsDelta)} before compression)`
  return `plan: ${filesReused} of ${files} files and ${chunksReused} chunks (${formatBytes(bytesReused)}) are here; to fetch: ${delta}${plain}`
}

function inPlace(stage: string | null): string {
  return stage === null ? 'no stage is whole' : `stage ${stage} still is whole`
}

function sayStaged(
  io: CommandIo,
  { release, durationMs, bytesBySource, wastedBytes, chunksResumed }: JoinSummary,
  stage: string,
  into: string,
  { bytesHeld }: JoinProgress,
): void {
  const fetchedBytes = sum(bytesBySource)
  io.say(
    {
      type: 'staged',
      ledger: release.ledger,
      height: release.height,
      snapshot: release.manifest.toString(),
      into,
      stage,
      durationMs,
      bytes: bytesHeld,
      bytesTotal: release.totalBytes,
      chunksResumed,
      fetchedBytes,
      wastedBytes,
      bytesBySource,
    },
    [
      `staged    ${release.ledger}@${release.height} in ${into}: stage ${stage} is in place and verified, ${formatBytes(bytesHeld)} of ${formatBytes(release.totalBytes)}`,
      `took      ${formatDuration(durationMs)}, fetched ${formatBytes(fetchedBytes)}`,
      'go on     run the same command without --stage; nothing is fetched twice',
    ].join('\n'),
  )
}

function sum(bytesBySource: JoinSummary['bytesBySource']): number {
  return Object.values(bytesBySource).reduce((total, bytes) => total + bytes, 0)
}

function sayJoined(io: CommandIo, summary: JoinSummary, into: string): void {
  const { release, durationMs, bytesBySource, wastedBytes, bytesReused, chunksResumed, chunksCount } = summary
  const fetchedBytes = sum(bytesBySource)
  io.say(
    {
      type: 'joined',
      ledger: release.ledger,
      height: release.height,
      snapshot: release.manifest.toString(),
      into,
      durationMs,
      bytes: release.totalBytes,
      chunks: chunksCount,
      chunksResumed,
      bytesReused,
      fetchedBytes,
      wastedBytes,
      bytesBySource,
    },
    [
      `joined    ${release.ledger}@${release.height} in ${into}, every chunk verified`,
      `took      ${formatDuration(durationMs)}, ${formatRate((release.totalBytes * 1000) / Math.max(1, durationMs))}`,
      `fetched   ${formatBytes(fetchedBytes)}, ${formatBytes(wastedBytes)} wasted, ${chunksResumed} of ${chunksCount} chunks were in place`,
      ...(bytesReused === 0 ? [] : [`reused    ${formatBytes(bytesReused)} that were on this machine`]),
      ...Object.entries(bytesBySource).map(([peer, bytes]) => `  ${formatBytes(bytes).padStart(10)} from ${peer}`),
    ].join('\n'),
  )
}
