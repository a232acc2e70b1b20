import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { initWorkspace, peerAddress, peerId, publishPayload, startJoin, startOrigin } from '../contenders/cairn.ts'
import { chooseContenders } from '../contenders/choose.ts'
import type { Contender, Payload } from '../contenders/contender.ts'
import { plainHttp } from '../contenders/http.ts'
import { libtorrent } from '../contenders/libtorrent.ts'
import { measureInTurns, type Row, type Sample } from '../harness.ts'
import { ledgerPayload } from '../payload.ts'
import type { Findings } from '../report.ts'
import { loopbackSites, type Site } from '../site.ts'
import { cell } from '../table.ts'
import { listFiles, totalBytes, treeDigest } from '../tree.ts'
import { settleDisk, withWork } from '../work.ts'
import { isWanted, logMeasured, type TableOptions } from './options.ts'
import { measureSwarm } from '../swarm.ts'

const CAIRN = 'cairn, bootstrap of the whole ledger'
/** What LevelDB reads before anything else. */
const BOOTSTRAP = ['CURRENT', 'MANIFEST-*']

/** How soon a node has what it needs to start. */
export async function start(options: TableOptions): Promise<Findings> {
  const payload = await ledgerPayload(options.bytes)
  const { contenders, versions, notes } = await chooseContenders([plainHttp, libtorrent], options.install)
  return await withWork(async (work) => {
    const small = await bootstrapPayload(payload, join(work, 'small'))
    const workspace = join(work, 'workspace')
    await initWorkspace(workspace)
    await publishPayload(
      payload,
      workspace,
      BOOTSTRAP.flatMap((pattern) => ['--bootstrap', pattern]),
    )
    const rows = [
      { name: CAIRN, measure: () => measureStart(workspace, work) },
      ...(await Promise.all(contenders.map((contender) => smallRow(contender, small, work)))),
    ]
    const results = await measureInTurns(
      rows.filter(({ name }) => isWanted(name, options)),
      options.runs,
      logMeasured,
    )
    return {
      bench: 'start',
      parameters: { bytes: payload.bytes, runs: options.runs },
      versions,
      rows: results.rows,
      tables: [
        {
          title: 'Program start to usable',
          columns: ['', 's', 'complete s', 'CPU s'],
          rows: results.rows.map(({ name }) => [
            name,
            cell(results.median(name, 'seconds'), 3),
            cell(results.median(name, 'secondsComplete'), 2),
            cell(results.cpuSeconds(name), 2),
          ]),
        },
      ],
      targets: [
        {
          name: 'T8',
          is: 'program start to bootstrap stage verified and placed',
          value: results.median(CAIRN, 'seconds'),
          max: 0.5,
          unit: ' s',
        },
      ],
      notes: [
        `from the start of the node's process; the bootstrap stage is ${BOOTSTRAP.join(' and ')}: ${small.bytes} bytes`,
        'cairn fetches and verifies trust metadata and the manifest of the whole ledger first; the others are given a directory of those files only, and trust it',
        'one source on loopback; CPU of source and node until the node is complete',
        ...notes,
      ],
    }
  })
}

async function measureStart(workspace: string, work: string): Promise<Sample> {
  const [source, node] = (await loopbackSites(['source', 'node'], work)) as [Site, Site]
  await using origin = startOrigin(source, workspace)
  const peer = peerAddress({ ...source, id: await peerId(origin) })
  await settleDisk()
  const cpuBefore = origin.usage.cpuSeconds
  let bootstrapAt = Number.NaN
  const started = performance.now()
  await using joining = startJoin(node, workspace, [peer], ['--stay', '--json'], (line) => {
    if (line.startsWith('{"type":"stage-committed","stage":"bootstrap"')) bootstrapAt = performance.now()
  })
  await joining.line(/^\{"type":"joined"/)
  const secondsComplete = (performance.now() - started) / 1000
  const { rssBytesMax, cpuSeconds } = origin.usage
  const usage = { source: { rssBytesMax, cpuSeconds: cpuSeconds - cpuBefore }, node: joining.usage }
  await joining.crash()
  await rm(node.into, { recursive: true })
  return { values: { seconds: (bootstrapAt - started) / 1000, secondsComplete }, usage }
}

/** A directory with nothing but the files of the bootstrap stage. */
async function bootstrapPayload({ directory }: Payload, into: string): Promise<Payload> {
  await mkdir(into)
  const files = (await listFiles(directory)).filter(({ path }) => path === 'CURRENT' || path.startsWith('MANIFEST-'))
  for (const { path } of files) await copyFile(join(directory, path), join(into, path))
  return { directory: into, bytes: totalBytes(files), digest: await treeDigest(into) }
}

async function smallRow(contender: Contender, payload: Payload, work: string): Promise<Row> {
  const directory = join(work, `published-${contender.name.replaceAll(/\W+/g, '-')}`)
  await mkdir(directory)
  const deployment = await contender.prepare(payload, directory)
  return {
    name: `${contender.name}, those files only`,
    async measure() {
      const [source, node] = (await loopbackSites(['source', 'node'], work)) as [Site, Site]
      return await measureSwarm({ deployment, payload, source, nodes: [node] })
    },
  }
}
