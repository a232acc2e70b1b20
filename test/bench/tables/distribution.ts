import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { aria2 } from '../contenders/aria2.ts'
import { cairn } from '../contenders/cairn.ts'
import { casync } from '../contenders/casync.ts'
import { chooseContenders } from '../contenders/choose.ts'
import type { Contender, Deployment, Payload } from '../contenders/contender.ts'
import { helia } from '../contenders/helia.ts'
import { plainHttp, tarZst } from '../contenders/http.ts'
import { libtorrent, libtorrentV2 } from '../contenders/libtorrent.ts'
import { webtorrent } from '../contenders/webtorrent.ts'
import { measureInTurns, type Results, type Row } from '../harness.ts'
import { Lab, labObstacle } from '../lab.ts'
import { ledgerPayload } from '../payload.ts'
import type { Findings, Target } from '../report.ts'
import { ratio } from '../statistics.ts'
import { measureSwarm } from '../swarm.ts'
import { cell, mebibytes, type Table } from '../table.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const CONTENDERS: readonly Contender[] = [cairn, plainHttp, tarZst, libtorrent, libtorrentV2, aria2, casync, webtorrent, helia]

interface Scenario {
  readonly name: string
  readonly nodes: number
  readonly uplinkMegabits?: number
}

const ONE: Scenario = { name: '1x1', nodes: 1 }
const FOUR: Scenario = { name: '1x4', nodes: 4 }
/** Megabits are millions, as everywhere in networking. */
const UPLINK_MEGABITS = 200
const LIMITED: Scenario = { name: `1x4 @${UPLINK_MEGABITS}`, nodes: 4, uplinkMegabits: UPLINK_MEGABITS }

const NOTES = [
  'every role in a network namespace of its own, on one bridge; @200: the source sends at most 200 Mbit/s, nodes are not limited',
  'seconds from the start of the nodes until the slowest holds verified plain files, checked by SHA-256 once more afterwards',
  'all nodes stay once they are complete, and those that can serve do (cairn: `join --stay`)',
  'CPU: user and system time of source and nodes from the start of the nodes until the slowest is complete',
  'egress: what left the source, with every header; peak memory: the most in any run, of all processes of a role together',
]

/** One source to one and to four nodes, beside what people use today. */
export async function distribution(options: TableOptions): Promise<Findings> {
  const parameters = { bytes: options.bytes, runs: options.runs }
  const obstacle = labObstacle()
  if (obstacle !== undefined) return { bench: 'distribution', parameters, rows: [], tables: [], notes: [`skipped: ${obstacle}`] }
  const wanted = CONTENDERS.filter(({ name }) => isWanted(name, options))
  const { contenders, versions, notes } = await chooseContenders(wanted, options.install)
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const deployments = await deploy(contenders, payload, work)
    const rows = [ONE, FOUR, LIMITED].flatMap((scenario) =>
      contenders.map((contender) => scenarioRow(contender.name, deployments.get(contender)!, scenario, payload)),
    )
    const results = await measureInTurns(rows, options.runs, logMeasured)
    const compressedBytes = deployments.get(cairn)?.compressedBytes
    const archiveBytes = deployments.get(tarZst)?.compressedBytes
    return {
      bench: 'distribution',
      parameters: { ...parameters, bytes: payload.bytes },
      versions,
      rows: results.rows,
      tables: [distributionTable(contenders, results)],
      ...(compressedBytes !== undefined && { targets: distributionTargets(results, compressedBytes) }),
      notes: [...NOTES, sizesNote(payload.bytes, compressedBytes, archiveBytes), ...notes],
    }
  })
}

async function deploy(contenders: readonly Contender[], payload: Payload, work: string): Promise<Map<Contender, Deployment>> {
  const deployments = new Map<Contender, Deployment>()
  for (const [index, contender] of contenders.entries()) {
    console.error(`preparing ${contender.name}`)
    const directory = join(work, `published-${index}`)
    await mkdir(directory)
    deployments.set(contender, await contender.prepare(payload, directory))
  }
  return deployments
}

function scenarioRow(contender: string, deployment: Deployment, scenario: Scenario, payload: Payload): Row {
  return {
    name: rowName(contender, scenario),
    async measure() {
      const nodes = Array.from({ length: scenario.nodes }, (_, index) => `node ${index}`)
      return await withWork(async (work) => {
        using lab = await Lab.create(['source', ...nodes], work)
        if (scenario.uplinkMegabits !== undefined) lab.limitUplink('source', scenario.uplinkMegabits)
        return await measureSwarm({
          deployment,
          payload,
          source: lab.site('source'),
          nodes: nodes.map((node) => lab.site(node)),
          atEnd: () => ({ egressBytes: lab.egressBytes('source') }),
        })
      })
    },
  }
}

function sizesNote(bytes: number, compressedBytes: number | undefined, archiveBytes: number | undefined): string {
  return `snapshot ${mebibytes(bytes, 1)} MiB, compressed: cairn's frames ${mebibytes(compressedBytes, 1)} MiB, tar.zst at level 3 ${mebibytes(archiveBytes, 1)} MiB`
}

function rowName(contender: string, { name }: Scenario): string {
  return `${contender} ${name}`
}

function distributionTable(contenders: readonly Contender[], results: Results): Table {
  const row = ({ name }: Contender): string[] => {
    const [one, four, limited] = [ONE, FOUR, LIMITED].map((scenario) => rowName(name, scenario)) as [string, string, string]
    return [
      name,
      cell(results.median(one, 'seconds'), 2),
      cell(results.median(four, 'seconds'), 2),
      cell(results.cpuSeconds(four), 2),
      cell(results.median(limited, 'seconds'), 2),
      mebibytes(results.median(limited, 'egressBytes')),
      mebibytes(results.rssBytesMax(four, 'source')),
      mebibytes(results.rssBytesMax(four, 'node')),
    ]
  }
  return {
    title: 'Full distribution',
    columns: ['', '1x1 s', '1x4 s', '1x4 CPU s', '1x4 @200 s', '@200 egress MiB', 'source MiB', 'node MiB'],
    rows: contenders.map(row),
  }
}

function distributionTargets(results: Results, compressedBytes: number): Target[] {
  const seconds = (contender: Contender, scenario: Scenario): number | undefined =>
    results.median(rowName(contender.name, scenario), 'seconds')
  const onceThroughSeconds = (compressedBytes * 8) / (UPLINK_MEGABITS * 1e6)
  const egressBytes = results.median(rowName(cairn.name, LIMITED), 'egressBytes')
  const cpu = (contender: Contender): number | undefined => results.cpuSeconds(rowName(contender.name, FOUR))
  return [
    {
      name: 'T1',
      is: '1x4 @200: time ÷ compressed bytes once through the uplink',
      value: ratio(seconds(cairn, LIMITED), onceThroughSeconds),
      max: 1.25,
    },
    { name: 'T2', is: '1x4 @200: egress of the source ÷ compressed bytes', value: ratio(egressBytes, compressedBytes), max: 1.2 },
    { name: 'T3', is: "1x1: time ÷ libtorrent's", value: ratio(seconds(cairn, ONE), seconds(libtorrent, ONE)), max: 0.7 },
    { name: 'T3', is: "1x4: time ÷ libtorrent's", value: ratio(seconds(cairn, FOUR), seconds(libtorrent, FOUR)), max: 0.9 },
    { name: 'T4', is: "1x4: CPU of all roles ÷ libtorrent's", value: ratio(cpu(cairn), cpu(libtorrent)), max: 1.1 },
  ]
}
