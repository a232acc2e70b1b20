import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cairn, initWorkspace, LEDGER, runCairn } from '../contenders/cairn.ts'
import { measureInTurns, type Sample } from '../harness.ts'
import { Lab, labObstacle } from '../lab.ts'
import { ledgerPayload } from '../payload.ts'
import type { Findings } from '../report.ts'
import { measureSwarm } from '../swarm.ts'
import { cell, mebibytes } from '../table.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const NODES = 4
const UPLINK_MEGABITS = 200
const PUBLISH = 'publish'
const UNLIMITED = `1x${NODES}`
const LIMITED = `1x${NODES} @${UPLINK_MEGABITS}`

/** The most memory that any role ever has. */
export async function memory(options: TableOptions): Promise<Findings> {
  const obstacle = labObstacle()
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const published = join(work, 'published')
    await mkdir(published)
    const deployment = await cairn.prepare(payload, published)
    const measure = async (uplinkMegabits: number | undefined): Promise<Sample> => {
      const nodes = Array.from({ length: NODES }, (_, index) => `node ${index}`)
      return await withWork(async (within) => {
        using lab = await Lab.create(['source', ...nodes], within)
        if (uplinkMegabits !== undefined) lab.limitUplink('source', uplinkMegabits)
        return await measureSwarm({ deployment, payload, source: lab.site('source'), nodes: nodes.map((node) => lab.site(node)) })
      })
    }
    const swarms = [
      { name: UNLIMITED, measure: () => measure(undefined) },
      { name: LIMITED, measure: () => measure(UPLINK_MEGABITS) },
    ]
    const rows = [{ name: PUBLISH, measure: () => measurePublish(payload.directory) }, ...(obstacle === undefined ? swarms : [])]
    const results = await measureInTurns(
      rows.filter(({ name }) => isWanted(name, options)),
      options.runs,
      logMeasured,
    )
    const roles = [
      ['publish', PUBLISH, PUBLISH],
      ['origin', UNLIMITED, 'source'],
      ['node', UNLIMITED, 'node'],
      [`origin @${UPLINK_MEGABITS}`, LIMITED, 'source'],
      [`node @${UPLINK_MEGABITS}`, LIMITED, 'node'],
    ] as const
    const peaks = roles.flatMap(([, row, role]) => results.rssBytesMax(row, role) ?? [])
    return {
      bench: 'memory',
      parameters: { bytes: payload.bytes, runs: options.runs, nodes: NODES },
      rows: results.rows,
      tables: [
        {
          title: 'Peak memory',
          columns: ['', 'peak MiB', 's'],
          rows: roles.map(([name, row, role]) => [
            name,
            mebibytes(results.rssBytesMax(row, role)),
            cell(results.median(row, 'seconds'), 2),
          ]),
        },
      ],
      targets: [
        {
          name: 'T9',
          is: `peak memory of any role, ${NODES} nodes`,
          value: peaks.length === 0 ? undefined : Math.max(...peaks) / 1024 ** 2,
          max: 200,
          unit: ' MiB',
        },
      ],
      notes: [
        'VmHWM of the process, the most in any run',
        ...(obstacle === undefined ? [] : [`origin and nodes are left out: ${obstacle}`]),
      ],
    }
  })
}

async function measurePublish(directory: string): Promise<Sample> {
  return await withWork(async (work) => {
    const workspace = join(work, 'workspace')
    await initWorkspace(workspace)
    const started = performance.now()
    await using publishing = runCairn('publish', ['publish', directory, '--workspace', workspace, '--ledger', LEDGER, '--height', '1'])
    await publishing.succeeded()
    return { values: { seconds: (performance.now() - started) / 1000 }, usage: { publish: publishing.usage } }
  })
}
