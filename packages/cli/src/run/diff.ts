import { changePath, diffSnapshots, type EntryChange } from '@cairn/protocol'
import { resolveRelease } from '@cairn/trust'
import type { CommandHandler } from '../handlers.ts'
import { formatBytes, formatPercent } from '../output/format.ts'
import { openCatalogue } from './open-catalogue.ts'

/** One letter a line, as version control shows it. */
const MARKS: Readonly<Record<EntryChange['type'], string>> = { added: 'A', removed: 'D', changed: 'M', mode: 'P' }

/** Shows what a holder of one release fetches to get to another. */
export const runDiff: CommandHandler<'diff'> = async (options, io) => {
  await using catalogue = await openCatalogue(options, io)
  const state = await catalogue.trustState([...new Set([options.from.ledger, options.to.ledger])])
  const from = resolveRelease(state, options.from)
  const to = resolveRelease(state, options.to)
  const { changes, unchanged, counts, shared, toFetch } = diffSnapshots(
    await catalogue.manifest(from.manifest),
    await catalogue.manifest(to.manifest),
  )
  const describe = ({ ledger, height }: typeof from): string => `${ledger}@${height}`
  io.say(
    {
      type: 'diff',
      from: { ledger: from.ledger, height: from.height, snapshot: from.manifest.toString() },
      to: { ledger: to.ledger, height: to.height, snapshot: to.manifest.toString() },
      changes: changes.map((change) => ({ change: change.type, path: changePath(change) })),
      unchanged,
      counts,
      shared,
      toFetch,
    },
    [
      ...changes.map((change) => `${MARKS[change.type]}  ${changePath(change)}`),
      ...(changes.length === 0 ? [] : ['']),
      `${describe(from)} → ${describe(to)}`,
      `entries   ${counts.added} added, ${counts.changed} changed, ${counts.removed} removed, ${counts.mode} with other permissions, ${unchanged} the same`,
      `reused    ${shared.chunks} chunks, ${formatBytes(shared.bytes)}`,
      `to fetch  ${toFetch.chunks} chunks, ${formatBytes(toFetch.bytes)} before compression (${formatPercent(toFetch.bytes, toFetch.bytes + shared.bytes)} of the content)`,
    ].join('\n'),
  )
}
