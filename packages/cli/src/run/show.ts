import { resolveRelease } from '@cairn/trust'
import type { CommandHandler } from '../handlers.ts'
import { formatBytes } from '../output/format.ts'
import { renderTable } from '../output/table.ts'
import { openCatalogue } from './open-catalogue.ts'

/** Shows one release and its manifest. */
export const runShow: CommandHandler<'show'> = async (options, io) => {
  await using catalogue = await openCatalogue(options, io)
  const release = resolveRelease(await catalogue.trustState([options.release.ledger]), options.release)
  const { root, pages } = await catalogue.manifest(release.manifest)
  const { totals, chunking, sections, provenance } = root
  const snapshot = release.manifest.toString()
  const parent = root.parent?.toString()
  io.say(
    {
      type: 'release',
      ledger: root.ledger,
      network: root.network,
      height: root.height,
      channels: release.channels,
      snapshot,
      parent: parent ?? null,
      chunking,
      sections: sections.map(({ stage, entries, chunks, bytes }) => ({ stage, entries, chunks, bytes })),
      totals,
      pages: pages.length,
      chunkRoot: Buffer.from(root.chunkRoot).toString('hex'),
      tool: provenance.tool,
    },
    [
      `release    ${root.ledger}@${root.height} on network ${root.network}, channels: ${release.channels.join(', ') || 'none'}`,
      `snapshot   ${snapshot}`,
      `parent     ${parent ?? 'none'}`,
      `content    ${totals.files} files, ${totals.directories} directories, ${totals.symlinks} links, ${formatBytes(totals.bytes)}`,
      `chunks     ${totals.chunks} distinct of ${totals.chunkRefs}, ${formatBytes(totals.distinctBytes)}; profile ${chunking.profile}`,
      `manifest   ${pages.length} pages, chunk root ${Buffer.from(root.chunkRoot).toString('hex')}`,
      `published  by ${provenance.tool} from height ${provenance.sourceHeight}`,
      '',
      renderTable(
        [{ title: 'STAGE' }, { title: 'ENTRIES', align: 'right' }, { title: 'CHUNKS', align: 'right' }, { title: 'SIZE', align: 'right' }],
        sections.map(({ stage, entries, chunks, bytes }) => [stage, String(entries), String(chunks), formatBytes(bytes)]),
      ),
    ].join('\n'),
  )
}
