import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { measureInTurns, type Row, type Sample } from '../harness.ts'
import { addressOf, connectClient, type Seats, startSeats } from '../ledger/cairn-ledger.ts'
import { oneWayMs, type Region, REGIONS } from '../ledger/regions.ts'
import { Relay } from '../relay.ts'
import type { Findings } from '../report.ts'
import { median } from '../statistics.ts'
import { cell } from '../table.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const PRESET = 'geo-10'
const SEATS = 10
const PER_REGION = 2
const PATHS = ['fast', 'slow', 'ancestor'] as const
/** Connections are made, leaders that are gone have been found out. */
const WARM_UP_MS = 15_000
const MEASURED_MS = 30_000

interface Case {
  readonly name: string
  /** Seats that are stopped before anything is measured. */
  readonly lost: readonly number[]
}

/** What is left of ten seats decides which path can be taken: the fast one needs eight, the slow one six. */
const CASES: readonly Case[] = [
  { name: 'all ten seats', lost: [] },
  { name: 'Tokyo lost', lost: [8, 9] },
  { name: 'three seats lost', lost: [5, 7, 9] },
]

/** One client in each region that writes one operation after the other, while seats are missing. */
export async function ledgerRegions(options: TableOptions): Promise<Findings> {
  const cases = CASES.filter(({ name }) => isWanted(name, options))
  const rows: Row[] = cases.map((each) => ({ name: each.name, measure: () => measure(each, options.bytes) }))
  const results = await measureInTurns(rows, options.runs, logMeasured)
  return {
    bench: 'ledger-regions',
    parameters: { bytes: options.bytes, runs: options.runs, seconds: MEASURED_MS / 1000 },
    rows: results.rows,
    tables: [
      {
        title: 'what made blocks final at the seats: share %, and ms after the header was known there',
        columns: ['', ...PATHS.flatMap((path) => [`${path} %`, `${path} ms`])],
        rows: cases.map(({ name }) => [
          name,
          ...PATHS.flatMap((path) => [cell(results.median(name, `${path}Share`), 1), cell(results.median(name, `${path}Ms`), 0)]),
        ]),
      },
      {
        title: 'from a client in each region until it is answered, p50 ms',
        columns: ['', ...REGIONS.map(({ name }) => name), 'all p99 ms', 'op/s'],
        rows: cases.map(({ name }) => [
          name,
          ...REGIONS.map((region) => cell(results.median(name, p50Name(region)), 0)),
          cell(results.median(name, 'p99Ms'), 0),
          cell(results.median(name, 'perSecond'), 1),
        ]),
      },
    ],
    notes: [
      `two seats in each region; each connection passes a relay that holds its bytes for the one-way time: ${REGIONS.flatMap(
        (from, index) => REGIONS.slice(index + 1).map((to) => `${from.name}–${to.name} ${oneWayMs(from, to)} ms`),
      ).join(', ')}; 1 ms within a region`,
      'one-way time: great circle × 1.25 (ITU-T Y.1541, appendix III) × 5 µs/km (ITU-T G.114, annex A), so without queues',
      'fast: 8 of 10 first votes came first; slow: 6 final votes did; ancestor: a later block was final first',
      'shares: how often each path was first, the slow one after a final vote that may wait up to 12 ms for the fast one; leaders take turns of 64 slots',
    ],
  }
}

async function measure({ lost }: Case, bytes: number): Promise<Sample> {
  return await withWork(async (work) => {
    await using relays = new AsyncDisposableStack()
    const peersOf = async (seat: number, ports: readonly number[]): Promise<readonly string[]> => {
      const addresses: string[] = []
      // Of two seats the later one dials: one connection, one relay.
      for (const [other, port] of ports.slice(0, seat).entries()) {
        const relay = relays.use(await Relay.listen({ host: '127.0.0.1', port, delayMs: oneWayMs(regionOf(seat), regionOf(other)) }))
        addresses.push(addressOf(relay.port))
      }
      return addresses
    }
    const seats = await startSeats({ preset: PRESET, isSigned: false, work, peersOf, isObserved: true })
    try {
      for (const seat of lost) await seats.processes[seat]?.stop()
      return await measureSeats(seats, lost, bytes)
    } finally {
      await Promise.all(seats.processes.map((seat) => seat.stop()))
    }
  })
}

async function measureSeats({ ledger, processes, urls, statusUrls }: Seats, lost: readonly number[], bytes: number): Promise<Sample> {
  const alive = Array.from({ length: SEATS }, (_, seat) => seat).filter((seat) => !lost.includes(seat))
  const value = randomBytes(bytes)
  const load = { isOver: false, isMeasured: false }
  const latencies = new Map<Region, number[]>()
  const running = REGIONS.map(async (region) => {
    const seat = alive.find((each) => regionOf(each) === region)
    if (seat === undefined) return
    const own: number[] = []
    latencies.set(region, own)
    const writer = connectClient(urls[seat] ?? '', ledger, false)
    for (let count = 0; !load.isOver; count++) {
      const started = performance.now()
      await writer.write(Buffer.from(`${region.name}/${count % 1000}`), value)
      if (load.isMeasured) own.push(performance.now() - started)
    }
    writer.close()
  })
  const ended = Promise.all(running)
  await Promise.race([delay(WARM_UP_MS), ended])
  const before = await finality(alive, statusUrls)
  load.isMeasured = true
  await Promise.race([delay(MEASURED_MS), ended])
  load.isMeasured = false
  const after = await finality(alive, statusUrls)
  load.isOver = true
  await ended
  const counts = PATHS.map((path) => after[path].count - before[path].count)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const all = [...latencies.values()].flat().toSorted((a, b) => a - b)
  const values: Record<string, number> = {
    perSecond: all.length / (MEASURED_MS / 1000),
    p99Ms: all[Math.floor(all.length * 0.99)] ?? Number.NaN,
  }
  for (const [region, own] of latencies) values[p50Name(region)] = median(own)
  for (const [index, path] of PATHS.entries()) {
    const count = counts[index] ?? 0
    values[`${path}Share`] = (100 * count) / total
    if (count > 0) values[`${path}Ms`] = (1000 * (after[path].seconds - before[path].seconds)) / count
  }
  return { values, usage: Object.fromEntries(processes.map((seat) => [seat.role, seat.usage])) }
}

type Finality = Readonly<Record<(typeof PATHS)[number], { readonly count: number; readonly seconds: number }>>

/** Blocks that each path made final at these seats so far, and how long they took altogether. */
async function finality(seats: readonly number[], statusUrls: readonly string[]): Promise<Finality> {
  const found = { fast: { count: 0, seconds: 0 }, slow: { count: 0, seconds: 0 }, ancestor: { count: 0, seconds: 0 } }
  for (const seat of seats) {
    const text = await (await fetch(`${statusUrls[seat] ?? ''}/metrics`)).text()
    for (const path of PATHS) {
      const line = (which: string): number =>
        Number(new RegExp(`^cairn_ledger_finality_seconds_${which}\\{path="${path}"\\} (\\S+)`, 'm').exec(text)?.[1] ?? 0)
      found[path].count += line('count')
      found[path].seconds += line('sum')
    }
  }
  return found
}

function regionOf(seat: number): Region {
  const region = REGIONS[Math.floor(seat / PER_REGION)]
  if (region === undefined) throw new Error(`seat ${seat} has no region`)
  return region
}

function p50Name({ name }: Region): string {
  return `p50Ms ${name}`
}
