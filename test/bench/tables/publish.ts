import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { initWorkspace, LEDGER, runCairn } from '../contenders/cairn.ts'
import type { Payload } from '../contenders/contender.ts'
import { tarZstCommand } from '../contenders/http.ts'
import { measureInTurns, type Row, type Sample } from '../harness.ts'
import { ledgerPayload } from '../payload.ts'
import { RoleProcess } from '../process.ts'
import type { Findings } from '../report.ts'
import { ratio } from '../statistics.ts'
import { cell, mebibytes } from '../table.ts'
import { type Tool, toolVersion } from '../tools.ts'
import { settleDisk, withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const CAIRN = 'cairn publish'
const ARCHIVE = 'tar | zstd -3 -T2'

/** From a directory to what can be served. */
export async function publish(options: TableOptions): Promise<Findings> {
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const casync = ['make', `--store=${join(work, 'out.castr')}`, '--with=unix', join(work, 'out.caidx'), payload.directory]
    const rows = [
      { name: CAIRN, measure: () => measurePublish(payload, work) },
      commandRow(ARCHIVE, 'bash', ['-c', `set -o pipefail; ${tarZstCommand(payload.directory)} > "${join(work, 'out.tar.zst')}"`], work),
      ...(toolVersion('casync') === undefined ? [] : [commandRow('casync make', 'casync', casync, work)]),
    ]
    const results = await measureInTurns(
      rows.filter(({ name }) => isWanted(name, options)),
      options.runs,
      logMeasured,
    )
    const seconds = (name: string): number | undefined => results.median(name, 'seconds')
    return {
      bench: 'publish',
      parameters: { bytes: payload.bytes, runs: options.runs },
      versions: installedVersions(['zstd', 'casync']),
      rows: results.rows,
      tables: [
        {
          title: 'Publishing',
          columns: ['', 's', `÷ ${ARCHIVE}`, 'CPU s', 'peak MiB'],
          rows: results.rows.map(({ name }) => [
            name,
            cell(seconds(name), 2),
            cell(ratio(seconds(name), seconds(ARCHIVE)), 2),
            cell(results.cpuSeconds(name), 2),
            mebibytes(results.rssBytesMax(name)),
          ]),
        },
      ],
      targets: [{ name: 'T7', is: `publish ÷ ${ARCHIVE}`, value: ratio(seconds(CAIRN), seconds(ARCHIVE)), max: 1 }],
      notes: [
        'from the start of the process to its end, on an input that is in memory; cairn chunks, hashes, compresses, stores and signs',
      ],
    }
  })
}

async function measurePublish({ directory }: Payload, work: string): Promise<Sample> {
  const workspace = join(work, 'workspace')
  await initWorkspace(workspace)
  const args = ['publish', directory, '--workspace', workspace, '--ledger', LEDGER, '--height', '1']
  return await measureProcess(() => runCairn('publish', args), [workspace])
}

function commandRow(name: string, command: string, args: readonly string[], work: string): Row {
  const outputs = ['out.tar.zst', 'out.castr', 'out.caidx'].map((output) => join(work, output))
  return { name, measure: () => measureProcess(() => new RoleProcess({ role: name, command, args, hasChildren: true }), outputs) }
}

async function measureProcess(start: () => RoleProcess, outputs: readonly string[]): Promise<Sample> {
  await settleDisk()
  const started = performance.now()
  await using running = start()
  await running.succeeded()
  const seconds = (performance.now() - started) / 1000
  for (const output of outputs) await rm(output, { recursive: true, force: true })
  return { values: { seconds }, usage: { publish: running.usage } }
}

export function installedVersions(tools: readonly Tool[]): Record<string, string> {
  const versions = tools.map((tool) => [tool, toolVersion(tool)] as const)
  return Object.fromEntries(versions.flatMap(([tool, version]) => (version === undefined ? [] : [[tool, version]])))
}
