import { constants } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RECORD_BYTES, RECORD_VALUE_BYTES, type RecordLayout, updateRecordFile } from '../../datasets/index.ts'
import { chooseContenders } from '../contenders/choose.ts'
import { recordsDirectory } from '../data.ts'
import { measureInTurns, Results } from '../harness.ts'
import { labObstacle } from '../lab.ts'
import type { Findings } from '../report.ts'
import { ratio } from '../statistics.ts'
import { cell, mebibytes } from '../table.ts'
import { updateRow } from '../update.ts'
import { cairnUpdate } from '../updaters/cairn-update.ts'
import { xdelta3 } from '../updaters/patch.ts'
import { makeChange, type Updater } from '../updaters/updater.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

interface Edit {
  readonly name: string
  readonly share: number
  readonly layout: RecordLayout
}

const EDITS: readonly Edit[] = (['scattered', 'clustered'] as const).flatMap((layout) =>
  [0.001, 0.01, 0.1].map((share) => ({ name: `${share * 100} % ${layout}`, share, layout })),
)
const UPDATERS: readonly Updater[] = [cairnUpdate, xdelta3]

/** What an update costs beside what was changed. */
export async function updateSize(options: TableOptions): Promise<Findings> {
  const parameters = { bytes: options.bytes, runs: options.runs }
  const obstacle = labObstacle()
  if (obstacle !== undefined) return { bench: 'update-size', parameters, rows: [], tables: [], notes: [`skipped: ${obstacle}`] }
  const name = (edit: Edit, { name }: Updater): string => `${edit.name}: ${name}`
  const wanted = (edit: Edit, updaters: readonly Updater[]): readonly Updater[] =>
    updaters.filter((updater) => isWanted(name(edit, updater), options))
  const { contenders, versions, notes } = await chooseContenders(
    UPDATERS.filter((updater) => EDITS.some((edit) => wanted(edit, [updater]).length > 0)),
    options.install,
  )
  const measured: { readonly edit: Edit; readonly changedBytes: number; readonly results: Results }[] = []
  for (const edit of EDITS.filter((edit) => wanted(edit, contenders).length > 0)) {
    const from = await recordsDirectory(options.bytes)
    await withWork(async (work) => {
      const to = join(work, 'edited')
      await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE })
      const records = await updateRecordFile({ path: join(to, 'records'), seed: 1, share: edit.share, layout: edit.layout })
      const change = await makeChange(from, to, false, work)
      const rows = await Promise.all(
        wanted(edit, contenders).map(async (updater, index) => {
          const directory = join(work, `published-${index}`)
          await mkdir(directory)
          return updateRow({ name: name(edit, updater), updater, change, directory })
        }),
      )
      const results = await measureInTurns(rows, options.runs, logMeasured)
      measured.push({ edit, changedBytes: records * RECORD_VALUE_BYTES, results })
    })
  }
  return {
    bench: 'update-size',
    parameters,
    versions,
    rows: measured.flatMap(({ results }) => results.rows),
    tables: [
      {
        title: 'Bytes of an update',
        columns: ['', 'changed MiB', 'cairn MiB', '÷ changed', 'of it chunks MiB', 'xdelta3 MiB', '÷ changed'],
        rows: measured.map(({ edit, changedBytes, results }) => {
          const value = (updater: Updater, of: string): number | undefined => results.median(name(edit, updater), of)
          return [
            edit.name,
            mebibytes(changedBytes, 2),
            mebibytes(value(cairnUpdate, 'wireBytes'), 2),
            cell(ratio(value(cairnUpdate, 'wireBytes'), changedBytes), 2),
            mebibytes(value(cairnUpdate, 'chunkFrameBytes'), 2),
            mebibytes(value(xdelta3, 'wireBytes'), 2),
            cell(ratio(value(xdelta3, 'wireBytes'), changedBytes), 2),
          ]
        }),
      },
    ],
    notes: [
      `one file of records of ${RECORD_BYTES} bytes; a changed one has ${RECORD_VALUE_BYTES} new bytes that do not compress, and only those count as changed, so ÷ changed is hardly ever under 1`,
      'scattered: each changed record anywhere; clustered: in runs of 1 MiB of records, spread over the file',
      'cairn, xdelta3: all that left the source, with every header; of it chunks: their frames, deltas or not',
      ...notes,
    ],
  }
}
