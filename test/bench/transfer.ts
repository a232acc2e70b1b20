import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cairnRows } from './cairn.ts'
import { ledgerDirectory } from './data.ts'
import { benchResult, type BenchResult, measureRows, mibPerSecond, type Row, type Sample } from './harness.ts'
import { topCosts } from './profile.ts'
import { RoleProcess } from './process.ts'
import { listFiles, totalBytes, treeDigest } from './tree.ts'

export interface TransferInit {
  /** Size of the sample ledger to move. */
  readonly bytes: number
  readonly runs: number
  /** Only rows whose name contains this; all rows if empty. */
  readonly only: string
  /** Once more under the profiler, after the figures have been taken. */
  readonly profile: boolean
}

/** What is moved, and what it must look like on arrival. */
export interface Payload {
  readonly directory: string
  readonly bytes: number
  readonly digest: string
}

const REFERENCE = new URL('reference-tcp.ts', import.meta.url).pathname
const COSTS_SHOWN = 5

/** Cairn on loopback beside plain TCP with SHA-256: one source to one and to four nodes. Every rate is bytes delivered to all nodes over time from start to end of their processes. */
export async function transfer(init: TransferInit): Promise<BenchResult> {
  const startedAt = new Date().toISOString()
  const directory = await ledgerDirectory(init.bytes)
  const payload: Payload = { directory, bytes: totalBytes(await listFiles(directory)), digest: await treeDigest(directory) }
  const work = await mkdtemp(join(tmpdir(), 'cairn-bench-'))
  try {
    const all = [...referenceRows(payload, work), ...cairnRows({ payload, work, profileInto: undefined })]
    const rows = all.filter(({ name }) => name.includes(init.only))
    const results = await measureRows(rows, init.runs, (row, sample) =>
      console.error(`${row.name}: ${mibPerSecond(sample).toFixed(0)} MiB/s`),
    )
    const notes = init.profile ? await profileNotes(payload, work) : []
    return benchResult({ bench: 'transfer', startedAt, parameters: { bytes: payload.bytes, runs: init.runs }, rows: results, notes })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function referenceRows(payload: Payload, work: string): Row[] {
  const row = (name: string, receivers: number, toDisk: boolean): Row => ({
    name,
    measure: () => measureReference(payload, receivers, toDisk ? join(work, 'reference') : undefined),
  })
  return [
    row('tcp+sha256 1→1', 1, false),
    row('tcp+sha256 1→1 to disk', 1, true),
    row('tcp+sha256 1→4', 4, false),
    row('tcp+sha256 1→4 to disk', 4, true),
  ]
}

/** One sending and `receivers` receiving processes; they write below `into` if it is given, which is removed afterwards. */
export async function measureReference(payload: Payload, receivers: number, into: string | undefined): Promise<Sample> {
  await using sender = new RoleProcess({ role: 'sender', command: process.execPath, args: [REFERENCE, 'send', payload.directory] })
  const [, port = ''] = await sender.line(/^listening (\d+)$/)
  const started = performance.now()
  const processes = Array.from({ length: receivers }, (_, index) => {
    const target = into === undefined ? [] : [join(into, String(index))]
    return new RoleProcess({ role: `receiver ${index}`, command: process.execPath, args: [REFERENCE, 'receive', port, ...target] })
  })
  await Promise.all(processes.map((receiver) => receiver.succeeded()))
  const seconds = (performance.now() - started) / 1000
  for (const receiver of processes) {
    const [, bytes, digest] = await receiver.line(/^received (\d+) (\w+)$/)
    if (Number(bytes) !== payload.bytes || digest !== payload.digest) throw new Error(`${receiver.role} received something else`)
  }
  if (into !== undefined) await rm(into, { recursive: true })
  const usage = Object.fromEntries([sender, ...processes].map((process) => [process.role, process.usage]))
  return { bytes: payload.bytes * receivers, seconds, usage }
}

/** Where origin and node spend their time when one node joins. */
async function profileNotes(payload: Payload, work: string): Promise<string[]> {
  const profileInto = join(work, 'profiles')
  await mkdir(profileInto)
  for (const row of cairnRows({ payload, work, profileInto })) if (!row.name.includes('1→4')) await row.measure(0)
  const notes: string[] = []
  for (const role of ['publish', 'origin', 'node']) {
    const costs = await topCosts(join(profileInto, role), COSTS_SHOWN)
    notes.push(`${role}, share of busy time:`, ...costs.map((cost) => `  ${(cost.share * 100).toFixed(1).padStart(5)} %  ${cost.name}`))
  }
  return notes
}
