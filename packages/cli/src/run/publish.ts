import { publish, type PublishEvent, Workspace } from '@cairn/origin/publish'
import type { Reporter } from '@cairn/runtime'
import type { CommandHandler } from '../handlers.ts'
import { formatBytes, formatDuration, formatRate } from '../output/format.ts'
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
  const { directory, ledger, height, channel, bootstrap, hot, profile, store, replace } = options
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
    replace,
    tool: toolName(),
    clock: io.clock,
    reporter,
    signal: io.signal,
  })
  const { release, filesCount, bytes, storedBytes, durationMs } = summary
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
      durationMs,
    },
    [
      `published ${ledger}@${height} on ${release.channels.join(', ')}`,
      `snapshot  ${snapshot}`,
      `content   ${filesCount} files, ${formatBytes(bytes)} in ${release.chunks} chunks; ${formatBytes(storedBytes)} added to the workspace`,
      `took      ${formatDuration(durationMs)}, ${formatRate((bytes * 1000) / Math.max(1, durationMs))}`,
    ].join('\n'),
  )
}
