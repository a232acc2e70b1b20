import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chooseContenders } from '../contenders/choose.ts'
import { flatDirectory, ledgerDirectory, lmdbDirectory, sqliteDirectory } from '../data.ts'
import { measureInTurns, Results, type RowResult } from '../harness.ts'
import { labObstacle } from '../lab.ts'
import type { Findings, Target } from '../report.ts'
import { ratio } from '../statistics.ts'
import { cell, mebibytes, type Table } from '../table.ts'
import { updateRow } from '../update.ts'
import { cairnAskedBefore, cairnUpdate, FRAME_CLASSES } from '../updaters/cairn-update.ts'
import { casyncSeed } from '../updaters/casync-seed.ts'
import { changedFiles } from '../updaters/changed-files.ts'
import { ostree } from '../updaters/ostree.ts'
import { xdelta3, zstdPatch } from '../updaters/patch.ts'
import { type Change, makeChange, type Updater } from '../updaters/updater.ts'
import { zsync } from '../updaters/zsync.ts'
import { withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

const UPDATERS: readonly Updater[] = [cairnUpdate, cairnAskedBefore, xdelta3, zstdPatch, zsync, casyncSeed, ostree, changedFiles]

/** Megabits are millions, as everywhere in networking. */
const UPLINK_MEGABITS = 200

/** Two versions of something, and what making them needs. */
interface Pair {
  readonly name: string
  readonly tools: readonly 'lmdb'[]
  readonly isBack?: boolean
  directories(bytes: number): Promise<readonly [from: string, to: string]>
}

const LSM: Pair = {
  name: 'LevelDB v1→v2',
  tools: [],
  directories: async (bytes) => [await ledgerDirectory(bytes, 1), await ledgerDirectory(bytes, 2)],
}
const FLAT: Pair = {
  name: 'flat file',
  tools: [],
  directories: async (bytes) => [await flatDirectory(bytes, 1), await flatDirectory(bytes, 2)],
}
const PAIRS: readonly Pair[] = [
  LSM,
  { name: 'LevelDB v1→v3', tools: [], directories: async (bytes) => [await ledgerDirectory(bytes, 1), await ledgerDirectory(bytes, 3)] },
  {
    name: 'LevelDB v2→v1',
    tools: [],
    isBack: true,
    directories: async (bytes) => [await ledgerDirectory(bytes, 2), await ledgerDirectory(bytes, 1)],
  },
  FLAT,
  { name: 'SQLite', tools: [], directories: async (bytes) => [await sqliteDirectory(bytes, 1), await sqliteDirectory(bytes, 2)] },
  { name: 'LMDB', tools: ['lmdb'], directories: async (bytes) => [await lmdbDirectory(bytes, 1), await lmdbDirectory(bytes, 2)] },
]

const NOTES = [
  'LevelDB: version 2 changes 5 % of the records and compacts every table, version 3 as many again and compacts what LevelDB does by itself; v2→v1 is the way back',
  'flat file: one insertion of 1 to 24 KiB for each MiB; SQLite: 5 % of the rows updated, some added and removed, then VACUUM; LMDB: the same without',
  `source and node in network namespaces on one bridge; the source sends at most ${UPLINK_MEGABITS} Mbit/s`,
  'MiB down: all that left the source from the start of the node on, with every header; the node holds the old version beforehand',
  'seconds from the start of the node until the new version lies there as verified plain files, checked by SHA-256 once more afterwards',
  'peak memory: the most in any round, of all processes of a role together; prepare: what the publisher does for the new version, once, archives excluded',
]

/** From one version to another, beside what people use for that. */
export async function incremental(options: TableOptions): Promise<Findings> {
  const parameters = { bytes: options.bytes, runs: options.runs }
  const obstacle = labObstacle()
  if (obstacle !== undefined) return { bench: 'incremental', parameters, rows: [], tables: [], notes: [`skipped: ${obstacle}`] }
  const wantedPairs = PAIRS.filter((pair) => updatersFor(pair, UPDATERS, options).length > 0)
  const wanted = UPDATERS.filter((updater) => wantedPairs.some((pair) => updatersFor(pair, [updater], options).length > 0))
  const updaters = await chooseContenders(wanted, options.install)
  const pairs = await chooseContenders(wantedPairs, options.install)
  const measured: { readonly pair: Pair; readonly change: Change; readonly results: Results }[] = []
  for (const pair of pairs.contenders) {
    const [from, to] = await pair.directories(options.bytes)
    await withWork(async (work) => {
      const change = await makeChange(from, to, pair.isBack === true, work)
      const rows = await Promise.all(
        updatersFor(pair, updaters.contenders, options).map(async (updater, index) => {
          const directory = join(work, `published-${index}`)
          await mkdir(directory)
          return updateRow({ name: rowName(pair, updater), updater, change, directory, uplinkMegabits: UPLINK_MEGABITS })
        }),
      )
      measured.push({ pair, change, results: await measureInTurns(rows, options.runs, logMeasured) })
    })
  }
  const all = new Results(measured.flatMap(({ results }) => results.rows))
  return {
    bench: 'incremental',
    parameters,
    versions: { ...updaters.versions, ...pairs.versions },
    rows: all.rows,
    tables: measured.map(({ pair, change, results }) => incrementalTable(pair, change, results, updaters.contenders)),
    targets: incrementalTargets(all),
    notes: [...NOTES, ...measured.flatMap(({ pair, results }) => whereBytesWent(pair, results)), ...updaters.notes, ...pairs.notes],
  }
}

function updatersFor(pair: Pair, updaters: readonly Updater[], options: TableOptions): readonly Updater[] {
  return updaters.filter((updater) => (pair.isBack === true || updater !== cairnAskedBefore) && isWanted(rowName(pair, updater), options))
}

function rowName(pair: Pair, { name }: Pick<Updater, 'name'>): string {
  return `${pair.name}: ${name}`
}

function incrementalTable(pair: Pair, change: Change, results: Results, updaters: readonly Updater[]): Table {
  const wire = (updater: Updater): number | undefined => results.median(rowName(pair, updater), 'wireBytes')
  const seconds = (updater: Updater): number | undefined => results.median(rowName(pair, updater), 'seconds')
  return {
    title: `${pair.name}, ${mebibytes(change.from.bytes)} to ${mebibytes(change.to.bytes)} MiB`,
    columns: ['', 'MiB down', '÷ xdelta3', `s @${UPLINK_MEGABITS}`, '÷ zstd', 'node MiB', 'source MiB', 'prepare s', 'prepare MiB'],
    rows: updaters.flatMap((updater) => {
      const name = rowName(pair, updater)
      const row = results.rows.find((row) => row.name === name)
      if (row === undefined) return []
      return [
        [
          labelled(updater.name, row),
          mebibytes(wire(updater), 2),
          cell(ratio(wire(updater), wire(xdelta3)), 2),
          cell(seconds(updater), 2),
          cell(ratio(seconds(updater), seconds(zstdPatch)), 2),
          mebibytes(results.rssBytesMax(name, 'node')),
          mebibytes(results.rssBytesMax(name, 'source')),
          cell(results.median(name, 'prepareSeconds'), 2),
          mebibytes(results.rssBytesMax(name, 'prepare')),
        ],
      ]
    }),
  }
}

function labelled(name: string, { samples, fault }: RowResult): string {
  if (fault === undefined) return name
  return samples.length === 0 ? `${name}: failed` : `${name}: failed after ${samples.length} rounds`
}

function incrementalTargets(results: Results): Target[] {
  const versus = (pair: Pair, value: string, other: Updater): number | undefined =>
    ratio(results.median(rowName(pair, cairnUpdate), value), results.median(rowName(pair, other), value))
  const rssBytesMax = (pair: Pair): number | undefined => results.rssBytesMax(rowName(pair, cairnUpdate))
  return [LSM, FLAT].flatMap((pair) => {
    const rss = rssBytesMax(pair)
    return [
      { name: 'T5', is: `${pair.name}: bytes on the wire ÷ xdelta3's`, value: versus(pair, 'wireBytes', xdelta3), max: 1.3 },
      {
        name: 'T6',
        is: `${pair.name}: time @${UPLINK_MEGABITS} ÷ zstd --patch-from's`,
        value: versus(pair, 'seconds', zstdPatch),
        max: 1.2,
      },
      {
        name: 'T6',
        is: `${pair.name}: peak memory of publisher, source and node`,
        value: rss === undefined ? undefined : rss / 1024 ** 2,
        max: 250,
        unit: ' MiB',
      },
    ]
  })
}

/** Of cairn's bytes: in how many chunks, and what besides them. */
function whereBytesWent(pair: Pair, results: Results): string[] {
  return [cairnUpdate, cairnAskedBefore].flatMap((updater) => whereBytesOf(rowName(pair, updater), results))
}

function whereBytesOf(name: string, results: Results): string[] {
  const value = (of: string): number | undefined => results.median(name, of)
  const [wireBytes, frameBytes] = [value('wireBytes'), value('chunkFrameBytes')]
  if (wireBytes === undefined || frameBytes === undefined) return []
  return [
    `${name}: ${cell(value('chunks'), 0)} chunks (${mebibytes(value('chunkPlainBytes'), 2)} MiB) came in ${mebibytes(frameBytes, 2)} MiB, ` +
      `${cell(value('deltas'), 0)} of them announced as deltas in ${mebibytes(value('deltaBytes'), 2)} MiB; ` +
      `${mebibytes(wireBytes - frameBytes, 2)} MiB were manifest, trust metadata, messages and headers`,
    `${name}: frames by their share of their chunk: ` +
      FRAME_CLASSES.map((frameClass) => {
        const bytes = value(`${frameClass.name}FrameBytes`)
        return `${frameClass.label}: ${cell(value(`${frameClass.name}Chunks`), 0)} in ${mebibytes(bytes, 2)} MiB`
      }).join(', '),
  ]
}
