import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cairn } from '../contenders/cairn.ts'
import { chooseContenders } from '../contenders/choose.ts'
import type { Deployment, Payload } from '../contenders/contender.ts'
import { plainHttp, tarZst } from '../contenders/http.ts'
import { libtorrent } from '../contenders/libtorrent.ts'
import { measureInTurns, type Row, type Sample } from '../harness.ts'
import { ledgerPayload } from '../payload.ts'
import { RoleProcess } from '../process.ts'
import type { Findings } from '../report.ts'
import { loopbackSites, type Site } from '../site.ts'
import { ratio } from '../statistics.ts'
import { measureSwarm } from '../swarm.ts'
import { cell } from '../table.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const RELAY = fileURLToPath(new URL('../relay.ts', import.meta.url))
const ROUND_TRIP_MS = 40
/** A relay that holds nothing: what passing bytes on costs by itself. */
const ROUND_TRIPS_MS = [0, ROUND_TRIP_MS]

/** One node, far from its source. */
export async function latency(options: TableOptions): Promise<Findings> {
  const wanted = [cairn, plainHttp, tarZst, libtorrent].filter(({ name }) => isWanted(name, options))
  const { contenders, versions, notes } = await chooseContenders(wanted, options.install)
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const rows: Row[] = []
    for (const [index, contender] of contenders.entries()) {
      const directory = join(work, `published-${index}`)
      await mkdir(directory)
      const deployment = await contender.prepare(payload, directory)
      for (const roundTripMs of ROUND_TRIPS_MS) {
        rows.push({ name: rowName(contender.name, roundTripMs), measure: () => measureThrough(deployment, payload, roundTripMs) })
      }
    }
    const results = await measureInTurns(rows, options.runs, logMeasured)
    const seconds = (name: string, roundTripMs: number): number | undefined => results.median(rowName(name, roundTripMs), 'seconds')
    return {
      bench: 'latency',
      parameters: { bytes: payload.bytes, runs: options.runs, roundTripMs: ROUND_TRIP_MS },
      versions,
      rows: results.rows,
      tables: [
        {
          title: `1x1 over ${ROUND_TRIP_MS} ms`,
          columns: ['', 'near s', 'far s', 'far ÷ near'],
          rows: contenders.map(({ name }) => [
            name,
            cell(seconds(name, 0), 2),
            cell(seconds(name, ROUND_TRIP_MS), 2),
            cell(ratio(seconds(name, ROUND_TRIP_MS), seconds(name, 0)), 2),
          ]),
        },
      ],
      notes: [
        'near: through a relay that delays nothing; far: through one that holds every byte for half the round trip, in each direction',
        'TCP ends at the relay, so its own windows do not see the delay; what a program keeps in flight does',
        ...notes,
      ],
    }
  })
}

async function measureThrough(deployment: Deployment, payload: Payload, roundTripMs: number): Promise<Sample> {
  return await withWork(async (work) => {
    const [source, node] = (await loopbackSites(['source', 'node'], work)) as [Site, Site]
    const relays: RoleProcess[] = []
    try {
      const sample = await measureSwarm({
        deployment,
        payload,
        source,
        nodes: [node],
        async before({ address, port }) {
          const args = [RELAY, address, String(port), String(roundTripMs / 2)]
          const relay = new RoleProcess({ role: 'relay', command: process.execPath, args })
          relays.push(relay)
          const [, relayPort] = await relay.line(/^listening (\d+)$/)
          return { address: '127.0.0.1', port: Number(relayPort) }
        },
      })
      const bytes = await relayedBytes(relays)
      if (bytes < (deployment.compressedBytes ?? payload.bytes))
        throw new Error(`only ${bytes} bytes passed the relay: someone went around it`)
      return { ...sample, values: { ...sample.values, relayedBytes: bytes } }
    } finally {
      await Promise.all(relays.map((relay) => relay.stop()))
    }
  })
}

async function relayedBytes(relays: readonly RoleProcess[]): Promise<number> {
  let bytes = 0
  for (const relay of relays) {
    await relay.stop()
    bytes += Number((await relay.line(/^passed (\d+)$/))[1])
  }
  return bytes
}

function rowName(contender: string, roundTripMs: number): string {
  return roundTripMs === 0 ? `${contender}, near` : `${contender}, far`
}
