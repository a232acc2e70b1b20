import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { initWorkspace, peerAddress, peerId, publishPayload, startJoin, startOrigin } from '../contenders/cairn.ts'
import type { Payload } from '../contenders/contender.ts'
import { measureInTurns, type Sample } from '../harness.ts'
import { checkArrived, ledgerPayload } from '../payload.ts'
import type { RoleProcess } from '../process.ts'
import type { Findings } from '../report.ts'
import { loopbackSites, type Site } from '../site.ts'
import { ratio } from '../statistics.ts'
import { cell, mebibytes } from '../table.ts'
import { readBytesOf } from '../usage.ts'
import { settleDisk, withWork } from '../work.ts'
import { logMeasured, type TableOptions } from './options.ts'

const WHOLE = 'in one go'
const KILLED = 'killed at half, resumed'
const KILLED_AT_SHARE = 0.5

/** What a `kill -9` in the middle costs. */
export async function resume(options: TableOptions): Promise<Findings> {
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const workspace = join(work, 'workspace')
    await initWorkspace(workspace)
    await publishPayload(payload, workspace)
    const rows = [
      { name: WHOLE, measure: () => measureJoin(payload, workspace, work, 1) },
      { name: KILLED, measure: () => measureJoin(payload, workspace, work, KILLED_AT_SHARE) },
    ]
    const results = await measureInTurns(rows, options.runs, logMeasured)
    const of = (value: string): number | undefined => ratio(results.median(KILLED, value), results.median(WHOLE, value))
    const beyond = (value: string): number | undefined => {
      const [killed, whole] = [results.median(KILLED, value), results.median(WHOLE, value)]
      return killed === undefined || whole === undefined ? undefined : killed - whole
    }
    const reReadShare = ratio(beyond('startReadBytes'), results.median(KILLED, 'heldBytes'))
    return {
      bench: 'resume',
      parameters: { bytes: payload.bytes, runs: options.runs },
      rows: results.rows,
      tables: [
        {
          title: 'Killed and resumed',
          columns: ['', 'received MiB', 'served MiB', 'held MiB', 'start s', 'start CPU s', 'start reads MiB', 'lost MiB'],
          rows: results.rows.map(({ name }) => [
            name,
            mebibytes(results.median(name, 'receivedBytes'), 1),
            mebibytes(results.median(name, 'servedBytes'), 1),
            mebibytes(results.median(name, 'heldBytes'), 1),
            cell(results.median(name, 'startSeconds'), 2),
            cell(results.median(name, 'startCpuSeconds'), 2),
            mebibytes(results.median(name, 'startReadBytes'), 1),
            mebibytes(results.median(name, 'lostBytes'), 1),
          ]),
        },
      ],
      targets: [
        { name: 'T10', is: "bytes fetched ÷ snapshot, by the node's count", value: of('receivedBytes'), max: 1.02 },
        { name: 'T10', is: "bytes sent ÷ those of a join in one go, by the source's count", value: of('servedBytes'), max: 1.02 },
        { name: 'T10', is: 'read at the restart, beyond what a first start reads ÷ bytes held', value: reReadShare, max: 0.05 },
      ],
      notes: [
        'one source on loopback, unlimited; received: frames of chunks in all lives of the node, used or not; served: all frames that the source sent',
        'start: from the start of the (last) process until it asks for chunks, with all bytes that it read from anything until then; held: plain bytes in place then',
        'lost: plain bytes that were verified and reported before the kill and not held afterwards',
      ],
    }
  })
}

/** Joins; if `killedAtShare` is under 1, kills the node when it has that share of the bytes, and starts it again. */
async function measureJoin(payload: Payload, workspace: string, work: string, killedAtShare: number): Promise<Sample> {
  const [source, node] = (await loopbackSites(['source', 'node'], work)) as [Site, Site]
  await using origin = startOrigin(source, workspace, ['--http', '127.0.0.1:0'])
  const [, url = ''] = await origin.line(/^http (\S+)$/)
  const peer = peerAddress({ ...source, id: await peerId(origin) })
  const received = new Received()
  await settleDisk()
  if (killedAtShare < 1)
    await joinUntil(received, payload.bytes * killedAtShare, (onLine) => startJoin(node, workspace, [peer], ['--json'], onLine))
  const plainBytesBefore = received.plainBytes
  const life = new Life()
  const joining = startJoin(node, workspace, [peer], ['--json', '--stay'], (line) => {
    received.add(line)
    life.add(line, joining)
  })
  await joining.line(/^\{"type":"joined"/)
  const values = {
    receivedBytes: received.frameBytes,
    servedBytes: await servedBytes(url),
    heldBytes: life.heldBytes,
    lostBytes: Math.max(0, plainBytesBefore - life.heldBytes),
    startSeconds: life.seconds,
    startCpuSeconds: life.cpuSeconds,
    startReadBytes: life.readBytes,
  }
  const usage = { source: origin.usage, node: joining.usage }
  await joining.crash()
  await checkArrived(payload, node.into)
  await rm(node.into, { recursive: true })
  return { values, usage }
}

async function joinUntil(received: Received, plainBytes: number, start: (onLine: (line: string) => void) => RoleProcess): Promise<void> {
  const joining = start((line) => {
    received.add(line)
    if (received.plainBytes >= plainBytes) joining.kill('SIGKILL')
  })
  await joining.succeeded().then(
    () => {
      throw new Error('the node was complete before it could be killed')
    },
    () => {}, // killed, as intended
  )
}

/** What a node says it received. */
class Received {
  /** Of chunks, as sent, those thrown away included. */
  frameBytes = 0
  /** Of chunks that were used. */
  plainBytes = 0

  add(line: string): void {
    if (!line.startsWith('{"type":"chunk-')) return
    const event = JSON.parse(line) as { readonly frameBytes?: number; readonly plainBytes?: number }
    this.frameBytes += event.frameBytes ?? 0
    this.plainBytes += event.plainBytes ?? 0
  }
}

/** What a process has done by the time it asks for chunks. */
class Life {
  readonly #started = performance.now()
  heldBytes = 0
  seconds = 0
  cpuSeconds = 0
  readBytes = 0

  add(line: string, joining: RoleProcess): void {
    if (!line.startsWith('{"type":"download-started"')) return
    this.seconds = (performance.now() - this.#started) / 1000
    this.cpuSeconds = joining.usage.cpuSeconds
    this.readBytes = readBytesOf(joining.pid)
    this.heldBytes = (JSON.parse(line) as { readonly bytesHeld: number }).bytesHeld
  }
}

async function servedBytes(url: string): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', url))).text()
  return Number(/^cairn_served_bytes_total(?:\{.*\})? (\S+)$/m.exec(metrics)?.[1])
}
