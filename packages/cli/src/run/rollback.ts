import { VersionDirectory, type VersionInfo } from '@cairn/storage'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'

/** Puts another complete version into use, and keeps a following node from undoing that. */
export const runRollback: CommandHandler<'rollback'> = async ({ directory: path, height }, io) => {
  const directory = await VersionDirectory.find(path)
  const name = await directory?.current()
  if (directory === undefined || name === undefined) {
    throw new CliError(`${path} follows no ledger`, 'name a directory of `cairn join --follow`', EXIT.usage, { code: 'NOT_FOLLOWING' })
  }
  const versions = (await directory.versions()).filter(({ complete }) => complete)
  const current = versions.find((version) => version.name === name)
  const target = height === undefined ? before(versions, current) : versions.find((version) => version.height === height)
  if (target === undefined) {
    const there = versions.map((version) => version.height).join(', ')
    throw new CliError(
      height === undefined ? `${path} has no version before the one in use` : `${path} has no complete version ${height}`,
      `there is ${there}; --keep of \`cairn join\` says how many are kept`,
      EXIT.usage,
      { code: 'NO_SUCH_VERSION' },
    )
  }
  const hold = await directory.hold()
  const from = Math.max(hold?.from ?? 0, current?.height ?? 0)
  // Said first: a node that follows must not go forward again between the two.
  await directory.setHold(target.height < from ? { height: target.height, from } : undefined)
  await directory.switchTo(target.name)
  const until = target.height < from ? `; it stays there until there is a version newer than ${from}` : ''
  io.say(
    { type: 'rolled-back-to', directory: path, height: target.height, from: current?.height ?? null, snapshot: target.snapshot.toString() },
    `${path}/current is version ${target.height}${until}`,
  )
}

/** The newest version that is older than the one in use. */
function before(versions: readonly VersionInfo[], current: VersionInfo | undefined): VersionInfo | undefined {
  return current === undefined ? versions[0] : versions.find(({ height }) => height < current.height)
}
