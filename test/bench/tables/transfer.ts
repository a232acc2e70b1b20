import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Payload } from '../contenders/contender.ts'
import { measureInTurns, type Results, type Row, type Sample } from '../harness.ts'
import { ledgerPayload } from '../payload.ts'
import { topCosts } from '../profile.ts'
import { RoleProcess } from '../process.ts'
import type { Findings } from '../report.ts'
import { median, ratio } from '../statistics.ts'
import { cell, mebibytes, type Table } from '../table.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'
import { cairnRows } from './transfer-cairn.ts'

const REFERENCE = fileURLToPath(new URL('transfer-tcp.ts', import.meta.url))
const COSTS_SHOWN = 5

/** Which row a row is compared with. */
const COMPARED_WITH: Readonly<Record<string, string>> = {
  'cairn 1→1': 'tcp+sha256 1→1 to disk',
  'cairn 1→4': 'tcp+sha256 1→4 to disk',
}

/** Cairn on loopback beside plain TCP with SHA-256: one source to one and to four nodes. Every rate is bytes delivered to all nodes over time from start to end of their processes. */
export async function transfer(options: TableOptions): Promise<Findings> {
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const all = [...referenceRows(payload, work), ...cairnRows({ payload, work, profileInto: undefined })]
    const rows = all.filter(({ name }) => isWanted(name, options))
    const results = await measureInTurns(rows, options.runs, logMeasured)
    const notes = options.profile ? await profileNotes(payload, work) : []
    const parameters = { bytes: payload.bytes, runs: options.runs }
    return { bench: 'transfer', parameters, rows: results.rows, tables: [transferTable(results)], notes }
  })
}

function transferTable(results: Results): Table {
  const rates = (name: string): number[] => results.samples(name).map(({ values }) => values['bytes']! / 1024 ** 2 / values['seconds']!)
  const rate = (name: string): number | undefined => (rates(name).length === 0 ? undefined : median(rates(name)))
  return {
    title: 'Transfer on loopback',
    columns: ['', 'MiB/s', 'ratio', 'to', 'peak MiB', 'CPU s', 'samples'],
    rows: results.rows.map(({ name }) => {
      const comparedWith = COMPARED_WITH[name] ?? ''
      return [
        name,
        cell(rate(name), 0),
        cell(ratio(rate(name), rate(comparedWith)), 2),
        comparedWith,
        mebibytes(results.rssBytesMax(name)),
        cell(results.cpuSeconds(name), 2),
        rates(name)
          .map((each) => each.toFixed(0))
          .join(' '),
      ]
    }),
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
  return { values: { bytes: payload.bytes * receivers, seconds }, usage }
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
