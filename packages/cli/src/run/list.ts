import { type Release, releases } from '@cairn/trust'
import type { CommandHandler } from '../handlers.ts'
import { formatBytes } from '../output/format.ts'
import { renderTable } from '../output/table.ts'
import { openCatalogue } from './open-catalogue.ts'

/** Lists releases, the newest of each ledger first. */
export const runList: CommandHandler<'list'> = async (options, io) => {
  await using catalogue = await openCatalogue(options, io)
  const state = await catalogue.trustState(options.ledger === undefined ? 'all' : [options.ledger])
  const ledgers = options.ledger === undefined ? Object.keys(state.ledgers).sort() : [options.ledger]
  const found = ledgers.flatMap((ledger) => releases(state, ledger).toReversed())
  if (io.json) {
    for (const release of found) io.emit({ type: 'release', ...describe(release) })
    return
  }
  const rows = found.map(({ ledger, height, channels, totalBytes, chunks, manifest }) => [
    ledger,
    String(height),
    channels.join(', '),
    formatBytes(totalBytes),
    String(chunks),
    manifest.toString(),
  ])
  const columns = [
    { title: 'LEDGER' },
    { title: 'HEIGHT', align: 'right' },
    { title: 'CHANNELS' },
    { title: 'SIZE', align: 'right' },
    { title: 'CHUNKS', align: 'right' },
    { title: 'SNAPSHOT' },
  ] as const
  io.say({ type: 'releases' }, rows.length === 0 ? 'nothing is published yet' : renderTable(columns, rows))
}

function describe({ ledger, height, channels, totalBytes, chunks, manifest }: Release): Readonly<Record<string, unknown>> {
  return { ledger, height, channels, bytes: totalBytes, chunks, snapshot: manifest.toString() }
}
