import { changePath, diffSnapshots, type EntryChange, planUpdate, type UpdatePlan } from '@cairn/protocol'
import type { DeltaOffer } from '@cairn/swarm'
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
  const [old, next] = [await catalogue.manifest(from.manifest), await catalogue.manifest(to.manifest)]
  const { changes, unchanged, counts, shared, toFetch } = diffSnapshots(old, next)
  const offer = toFetch.chunks === 0 ? NO_OFFER : await catalogue.deltas(old, next)
  const plan = planUpdate(old, next, offer.state === 'ready' ? offer.sizes : undefined)
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
      deltas: offer.state,
      plan,
    },
    [
      ...changes.map((change) => `${MARKS[change.type]}  ${changePath(change)}`),
      ...(changes.length === 0 ? [] : ['']),
      `${describe(from)} → ${describe(to)}`,
      `entries   ${counts.added} added, ${counts.changed} changed, ${counts.removed} removed, ${counts.mode} with other permissions, ${unchanged} the same`,
      `reused    ${shared.chunks} chunks, ${formatBytes(shared.bytes)}`,
      `to fetch  ${toFetch.chunks} chunks, ${formatBytes(toFetch.bytes)} before compression (${formatPercent(toFetch.bytes, toFetch.bytes + shared.bytes)} of the content)`,
      ...describePlan(plan, offer),
    ].join('\n'),
  )
}

const NO_OFFER: DeltaOffer = { state: 'none' }

/** By which method what is fetched. */
function describePlan({ delta, whole, pages, fetchBytesMax }: UpdatePlan, offer: DeltaOffer): readonly string[] {
  const bytes = formatBytes(delta.frameBytes)
  const deltas = {
    ready: `${delta.chunks} chunks of ${formatBytes(delta.bytes)} in ${bytes}`,
    preparing: 'being made: ask again',
    none: 'none',
  }
  return [
    `  deltas  ${deltas[offer.state]}`,
    `  whole   ${whole.chunks} chunks, ${formatBytes(whole.bytes)} before compression`,
    `  pages   ${pages.toFetch} of the manifest, ${pages.shared} are the same`,
    `  at most ${formatBytes(fetchBytesMax)} of content`,
  ]
}
