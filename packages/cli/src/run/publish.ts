import { publish, type PublishEvent, type PublishSummary, Workspace } from '@cairn/origin/publish'
import type { Reporter } from '@cairn/runtime'
import type { CommandHandler } from '../handlers.ts'
import { formatBytes, formatDuration, formatPercent, formatRate } from '../output/format.ts'
import { toolName } from '../version.ts'

/** Signs a directory as a release. */
export const runPublish: CommandHandler<'publish'> = async (options, io) => {
  const workspace = await Workspace.open(options.workspace, io.clock)
  const reporter: Reporter<PublishEvent> = {
    report(event) {
      if (event.type === 'publish-progress') io.progress.update({ stage: 'publishing', bytes: event.bytesDone, bytesTotal: event.bytes })
      else io.log.info(event.type, { ...event })
    },
  }
  const { directory, ledger, height, channel, bootstrap, hot, profile, store, deltas: deltasFrom, replace } = options
  const summary = await publish({
    workspace,
    directory,
    ledger,
    height,
    channels: [channel],
    bootstrap,
    hot,
    profile,
    store,
    deltasFrom,
    replace,
    tool: toolName(),
    clock: io.clock,
    reporter,
    signal: io.signal,
  })
  const { release, filesCount, bytes, storedBytes, profile: profileUsed, profiles, deltas, durationMs } = summary
  const snapshot = release.manifest.toString()
  io.say(
    {
      type: 'published',
      ledger,
      height,
      channels: release.channels,
      snapshot,
      filesCount,
      bytes,
      chunks: release.chunks,
      storedBytes,
      profile: profileUsed,
      profiles,
      deltas: deltas.map(deltaFigures),
      durationMs,
    },
    [
      `published ${ledger}@${height} on ${release.channels.join(', ')}`,
      `snapshot  ${snapshot}`,
      `content   ${filesCount} files, ${formatBytes(bytes)} in ${release.chunks} chunks; ${formatBytes(storedBytes)} added to the workspace`,
      ...profiles.map((figures) => describeProfile(figures, profileUsed, bytes)),
      ...deltas.map((delta) => describeDeltas(ledger, delta)),
      `took      ${formatDuration(durationMs)}, ${formatRate((bytes * 1000) / Math.max(1, durationMs))}`,
    ].join('\n'),
  )
}

/** One line for each release that nodes may come from. */
function describeDeltas(ledger: string, delta: PublishSummary['deltas'][number]): string {
  const { fromHeight, chunksChanged, frameBytes, deltasCount, fetchBytes, durationMs } = delta
  const amounts = `${chunksChanged} chunks changed, ${formatBytes(frameBytes)} as they are, ${formatBytes(fetchBytes)} with ${deltasCount} deltas`
  return `from ${ledger}@${fromHeight}: ${amounts}, made in ${formatDuration(durationMs)}`
}

function deltaFigures(delta: PublishSummary['deltas'][number]): Readonly<Record<string, unknown>> {
  const { from, fromHeight, chunksChanged, frameBytes, deltasCount, deltaBytes, fetchBytes, durationMs } = delta
  return { from: from.toString(), fromHeight, chunksChanged, frameBytes, deltasCount, deltaBytes, fetchBytes, durationMs }
}

/** What a sample said of a profile, in hundredths of its bytes; the manifest's size is that of all `bytes`. */
function describeProfile(
  { profile, compressed, reused, fetched, manifest }: PublishSummary['profiles'][number],
  chosen: string,
  bytes: number,
): string {
  const part = (value: number): string => formatPercent(value, 1)
  const figures = `${part(compressed)} compressed, ${part(reused)} reused, ${part(fetched)} to fetch, manifest ${formatBytes(manifest * bytes)}`
  return `${profile === chosen ? 'chosen' : '      '}    ${profile.padEnd(8)} ${figures}`
}
