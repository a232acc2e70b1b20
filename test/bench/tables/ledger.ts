import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { PresetName } from '@cairn/ledger'
import { measureInTurns, type Row, type Sample } from '../harness.ts'
import { startCairnLedger } from '../ledger/cairn-ledger.ts'
import { startEtcd } from '../ledger/etcd.ts'
import type { System, Work, Writer } from '../ledger/system.ts'
import type { Findings } from '../report.ts'
import { ratio } from '../statistics.ts'
import { cell } from '../table.ts'
import { installTools, toolVersion } from '../tools.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const CLIENTS = [1, 64]
/** V8 compiles what is hot within some seconds of it being hot. */
const WARM_UP_MS = 6000
const MEASURED_MS = 6000
const ETCD = 'etcd'
const PRESETS = ['single', 'cft-3', 'bft-7'] as const satisfies readonly PresetName[]

interface Contender {
  readonly name: string
  readonly start: (work: string) => Promise<System>
}

/** Writes of one size by clients that each wait for their answer: how many, and how long each takes. */
export async function ledger(options: TableOptions): Promise<Findings> {
  if (options.install) await installTools(['etcd'])
  const etcdVersion = toolVersion('etcd')
  const contenders: readonly Contender[] = [
    ...PRESETS.flatMap((preset) => [
      { name: `${preset} unsigned`, start: (work: string) => startCairnLedger(preset, false, work) },
      { name: `${preset} signed`, start: (work: string) => startCairnLedger(preset, true, work) },
    ]),
    ...(etcdVersion === undefined ? [] : [{ name: ETCD, start: startEtcd }]),
  ].filter(({ name }) => isWanted(name, options))
  const rows: Row[] = contenders.flatMap(({ name, start }) =>
    CLIENTS.map((clients) => ({ name: rowName(name, clients), measure: () => measure(start, clients, options.bytes) })),
  )
  const results = await measureInTurns(rows, options.runs, logMeasured)
  const value = (name: string, clients: number, which: string): number | undefined => results.median(rowName(name, clients), which)
  return {
    bench: 'ledger',
    parameters: { bytes: options.bytes, runs: options.runs, seconds: MEASURED_MS / 1000 },
    ...(etcdVersion !== undefined && { versions: { etcd: etcdVersion } }),
    rows: results.rows,
    tables: CLIENTS.map((clients) => ({
      title: `${clients} ${clients === 1 ? 'client' : 'clients'}`,
      columns: ['', 'op/s', 'p50 ms', 'p99 ms', 'syncs/op', 'messages/op', 'heights/op', 'CPU ms/op'],
      rows: contenders.map(({ name }) => [
        name,
        cell(value(name, clients, 'perSecond'), 0),
        cell(value(name, clients, 'p50Ms'), 2),
        cell(value(name, clients, 'p99Ms'), 2),
        cell(value(name, clients, 'syncs'), 2),
        cell(value(name, clients, 'messages'), 2),
        cell(value(name, clients, 'heights'), 2),
        cell(value(name, clients, 'cpuMs'), 2),
      ]),
    })),
    targets: [
      {
        name: 'L1',
        is: 'etcd op/s ÷ cft-3 unsigned, 64 clients',
        value: ratio(value(ETCD, 64, 'perSecond'), value('cft-3 unsigned', 64, 'perSecond')),
        max: 1,
      },
      {
        name: 'L2',
        is: 'cft-3 unsigned p50 ÷ etcd, 1 client',
        value: ratio(value('cft-3 unsigned', 1, 'p50Ms'), value(ETCD, 1, 'p50Ms')),
        max: 2,
      },
    ],
    notes: [
      'clients wait for their answer before they write again, and are shared out among the members; one client is at the first',
      'syncs, messages and CPU time are those of all members together; syncs are those of the log',
      'etcd is written to over gRPC on HTTP/2, Cairn over JSON on HTTP/1.1, both by one process of Node',
      ...(etcdVersion === undefined ? ['etcd is left out: it is not installed (--install)'] : []),
    ],
  }
}

async function measure(start: Contender['start'], clients: number, bytes: number): Promise<Sample> {
  return await withWork(async (work) => {
    await using system = await start(work)
    const writers = await Promise.all(Array.from({ length: clients }, (_, index) => system.connect(index)))
    const value = randomBytes(bytes)
    const latencies: number[] = []
    const load = { isOver: false, isMeasured: false }
    const running = writers.map((writer, index) => write(writer, index, value, load, latencies))
    const ended = Promise.all(running)
    // Whoever waits for the end hears of it.
    ended.catch(() => undefined)
    await Promise.race([delay(WARM_UP_MS), ended])
    const [workBefore, cpuBefore] = [await system.work(), cpuSeconds(system)]
    load.isMeasured = true
    const started = performance.now()
    await Promise.race([delay(MEASURED_MS), ended])
    load.isMeasured = false
    const seconds = (performance.now() - started) / 1000
    const [workAfter, cpuAfter] = [await system.work(), cpuSeconds(system)]
    load.isOver = true
    await ended
    for (const writer of writers) writer.close()
    const sorted = latencies.toSorted((a, b) => a - b)
    const count = sorted.length
    if (count === 0) throw new Error('nothing was acknowledged')
    const per = (which: keyof Work): number => ((workAfter[which] ?? Number.NaN) - (workBefore[which] ?? Number.NaN)) / count
    return {
      values: {
        perSecond: count / seconds,
        p50Ms: sorted[Math.floor(count / 2)] ?? Number.NaN,
        p99Ms: sorted[Math.floor(count * 0.99)] ?? Number.NaN,
        syncs: per('syncs'),
        messages: per('messages'),
        heights: per('heights'),
        cpuMs: ((cpuAfter - cpuBefore) * 1000) / count,
      },
      usage: system.usage(),
    }
  })
}

async function write(
  writer: Writer,
  index: number,
  value: Uint8Array,
  load: { readonly isOver: boolean; readonly isMeasured: boolean },
  latencies: number[],
): Promise<void> {
  for (let count = 0; !load.isOver; count++) {
    const started = performance.now()
    await writer.write(Buffer.from(`key ${index}/${count % 1000}`), value)
    if (load.isMeasured) latencies.push(performance.now() - started)
  }
}

function cpuSeconds(system: System): number {
  return Object.values(system.usage()).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
}

function rowName(name: string, clients: number): string {
  return `${name}, ${clients}`
}
