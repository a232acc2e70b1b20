import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { initWorkspace, peerAddress, peerId, publishPayload, startJoin, startOrigin } from '../contenders/cairn.ts'
import type { Payload } from '../contenders/contender.ts'
import { measureInTurns, type Sample } from '../harness.ts'
import { Lab, labObstacle } from '../lab.ts'
import { checkArrived, ledgerPayload } from '../payload.ts'
import type { RoleProcess } from '../process.ts'
import type { Findings } from '../report.ts'
import { loopbackSites, type Site } from '../site.ts'
import { median } from '../statistics.ts'
import { cell, mebibytes } from '../table.ts'
import { settleDisk, withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'

/** What the good source can send, and what the bad one can. */
const GOOD_MEGABITS = 200
const SLOW_MEGABITS = 1
/** One chunk takes tens of milliseconds at this rate: longer than it takes to stop the source, which so stops within one. */
const STALLING_MEGABITS = 20
const ALONE = 'one good source'
const SLOW = `beside one at ${SLOW_MEGABITS} Mbit/s`
const STALLING = 'beside one that stops in the middle'
/** Events that tell why a source is no longer used. */
const REASONS = /^\{"type":"(?:source-dropped|source-restored|peer-banned|peer-disconnected|source-left)"/
const STALLED = /^\{"type":"download-stalled"/

/** What a bad source costs when there is a good one. */
export async function slowSource(options: TableOptions): Promise<Findings> {
  const obstacle = labObstacle()
  if (obstacle !== undefined) return { bench: 'slow-source', parameters: {}, rows: [], tables: [], notes: [`skipped: ${obstacle}`] }
  const payload = await ledgerPayload(options.bytes)
  return await withWork(async (work) => {
    const published = await publishTwice(payload, work)
    const reasons = new Set<string>()
    const rows = [
      { name: ALONE, measure: () => measureBeside('nobody', payload, published, reasons) },
      { name: SLOW, measure: () => measureBeside('slow', payload, published, reasons) },
      { name: STALLING, measure: () => measureBeside('stalling', payload, published, reasons) },
    ].filter(({ name }) => isWanted(name, options))
    const results = await measureInTurns(rows, options.runs, logMeasured)
    const seconds = (name: string): number | undefined => results.median(name, 'seconds')
    const all = (name: string): readonly number[] => results.samples(name).flatMap(({ values }) => values['seconds'] ?? [])
    // Rows are measured in turns: what a round has in common, such as what else the machine does, is in both of its figures.
    const byRound = (name: string, figure: (bad: number, alone: number) => number): number | undefined => {
      const figures = all(name).flatMap((bad, round) => figure(bad, all(ALONE)[round] ?? Number.NaN))
      return figures.length === 0 || figures.some(Number.isNaN) ? undefined : median(figures)
    }
    const timesAlone = (name: string): number | undefined => byRound(name, (bad, alone) => bad / alone)
    const addedSeconds = (name: string): number | undefined => byRound(name, (bad, alone) => bad - alone)
    return {
      bench: 'slow-source',
      parameters: { bytes: payload.bytes, runs: options.runs, goodMegabits: GOOD_MEGABITS, slowMegabits: SLOW_MEGABITS },
      rows: results.rows,
      tables: [
        {
          title: 'A bad source beside a good one',
          columns: ['', 's', 'of', '÷ alone', 'added s', 'dropped after s', 'from the bad one MiB', 'wasted MiB'],
          rows: results.rows.map(({ name }) => [
            name,
            cell(seconds(name), 2),
            all(name)
              .map((value) => value.toFixed(2))
              .join(' '),
            cell(timesAlone(name), 2),
            cell(addedSeconds(name), 2),
            cell(results.median(name, 'droppedSeconds'), 2),
            mebibytes(results.median(name, 'badBytes'), 2),
            mebibytes(results.median(name, 'wastedBytes'), 2),
          ]),
        },
      ],
      targets: [
        { name: 'slow', is: 'time with a slow source ÷ without', value: timesAlone(SLOW), max: 1.1 },
        {
          name: 'stall',
          is: 'time that a stalling source costs',
          value: addedSeconds(STALLING),
          max: 2,
          unit: ' s',
        },
      ],
      notes: [
        `the good source sends at most ${GOOD_MEGABITS} Mbit/s and is the origin; the bad one is a complete node`,
        `the one that stops sends at most ${STALLING_MEGABITS} Mbit/s, and is stopped (SIGSTOP) as soon as the node has one chunk from it, with others on their way`,
        '÷ alone and added s are medians of the rounds, each compared with the good source alone in the same round',
        'dropped after: of the start for the slow source, of its last chunk for the one that stops',
        ...(reasons.size === 0 ? ['the node said nothing of the bad source'] : [...reasons].map((reason) => `the node said: ${reason}`)),
      ],
    }
  })
}

interface Publications {
  readonly workspace: string
  /** A directory that has been joined. */
  readonly joined: string
}

async function publishTwice(payload: Payload, work: string): Promise<Publications> {
  const workspace = join(work, 'workspace')
  await initWorkspace(workspace)
  await publishPayload(payload, workspace)
  const [source, node] = (await loopbackSites(['source', 'bad'], work)) as [Site, Site]
  await using origin = startOrigin(source, workspace)
  await startJoin(node, workspace, [peerAddress({ ...source, id: await peerId(origin) })]).succeeded()
  return { workspace, joined: node.into }
}

async function measureBeside(
  bad: 'nobody' | 'slow' | 'stalling',
  payload: Payload,
  { workspace, joined }: Publications,
  reasons: Set<string>,
): Promise<Sample> {
  return await withWork(async (work) => {
    using lab = await Lab.create(['good', 'bad', 'node'], work)
    const [goodSite, badSite, nodeSite] = lab.sites as [Site, Site, Site]
    await using good = startOrigin(goodSite, workspace)
    const goodPeer = peerAddress({ ...goodSite, id: await peerId(good) })
    const running: RoleProcess[] = []
    try {
      const peers = [goodPeer]
      let badId: string | undefined
      if (bad !== 'nobody') {
        await mkdir(badSite.directory, { recursive: true })
        await cp(joined, badSite.into, { recursive: true })
        const seed = startJoin(badSite, workspace, [goodPeer], ['--stay'])
        running.push(seed)
        badId = await peerId(seed)
        await seed.line(/^joined\s/)
        peers.push(peerAddress({ ...badSite, id: badId }))
        lab.limitUplink('bad', bad === 'slow' ? SLOW_MEGABITS : STALLING_MEGABITS)
      }
      lab.limitUplink('good', GOOD_MEGABITS)
      await settleDisk()
      const tally = new Tally(badId, reasons, () => bad === 'stalling' && running[0]?.kill('SIGSTOP'))
      const started = performance.now()
      const node = startJoin(nodeSite, workspace, peers, ['--json', '--stay'], (line) => tally.add(line))
      running.push(node)
      await node.line(/^\{"type":"joined"/)
      const seconds = (performance.now() - started) / 1000
      const usage = { good: good.usage, node: node.usage }
      await node.crash()
      await checkArrived(payload, nodeSite.into)
      const { badBytes, wastedBytes, droppedMs } = tally
      const sinceMs = bad === 'stalling' ? tally.lastBadMs : started
      const dropped = droppedMs === undefined ? {} : { droppedSeconds: (droppedMs - sinceMs) / 1000 }
      return { values: { seconds, badBytes, wastedBytes, ...dropped }, usage }
    } finally {
      await Promise.all(running.map((role) => role.crash()))
    }
  })
}

/** What a node says of the bad source. */
class Tally {
  badBytes = 0
  wastedBytes = 0
  /** When the last chunk of the bad source arrived before it was dropped. */
  lastBadMs = 0
  /** When it was dropped first. */
  droppedMs: number | undefined
  readonly #bad: string | undefined
  readonly #reasons: Set<string>
  readonly #onBadChunk: () => void

  constructor(bad: string | undefined, reasons: Set<string>, onBadChunk: () => void) {
    this.#bad = bad
    this.#reasons = reasons
    this.#onBadChunk = onBadChunk
  }

  add(line: string): void {
    const isOfBad = this.#bad !== undefined && line.includes(this.#bad)
    if (this.#bad !== undefined && ((isOfBad && REASONS.test(line)) || STALLED.test(line))) {
      this.#reasons.add(line.replaceAll(this.#bad, 'the bad source').replaceAll(/\d+\.\d{3,}/g, '…'))
      if (line.startsWith('{"type":"source-dropped"')) this.droppedMs ??= performance.now()
    }
    if (isOfBad && this.droppedMs === undefined && line.startsWith('{"type":"chunk-arrived"')) this.lastBadMs = performance.now()
    if (!line.startsWith('{"type":"chunk-')) return
    const { type, frameBytes = 0 } = JSON.parse(line) as { readonly type: string; readonly frameBytes?: number }
    if (type === 'chunk-wasted') this.wastedBytes += frameBytes
    if (type !== 'chunk-received' || !isOfBad) return
    if (this.badBytes === 0) this.#onBadChunk()
    this.badBytes += frameBytes
  }
}
