import { type FileHandle, open } from 'node:fs/promises'
import { type TraceFault, TraceReplay } from '@cairn/swarm'
import { CliError, UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'

/** Replays a trace through the scheduler, line by line: a trace may be larger than memory. */
export const runReplay: CommandHandler<'replay'> = async ({ trace }, io) => {
  await using file = await openTrace(trace)
  const replay = new TraceReplay()
  for await (const line of file.readLines()) {
    io.signal.throwIfAborted()
    if (!replay.add(line)) break
  }
  const { fault, downloadsCount, stepsCount, requestsCount } = replay.report
  if (fault !== undefined) throw failure(trace, fault)
  if (downloadsCount === 0) throw new UsageError(`${trace} holds no trace`, 'name a file that `cairn join --trace FILE` wrote')
  io.say(
    { type: 'replayed', trace, downloads: downloadsCount, steps: stepsCount, requests: requestsCount },
    `replayed  ${trace}: ${requestsCount} requests out of ${stepsCount} inputs, the same in the same order`,
  )
}

async function openTrace(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new UsageError(`${path} cannot be read: ${reason}`, 'check the path', { cause: error })
  }
}

function failure(trace: string, fault: TraceFault): CliError {
  const at = `${trace}:${fault.line}`
  const options = { code: `TRACE_${fault.code}` }
  switch (fault.code) {
    case 'ALTERED':
      return new CliError(
        `${at}: was changed, or lines before it removed, after it was recorded`,
        'record anew',
        EXIT.verification,
        options,
      )
    case 'DIVERGED':
      return new CliError(
        `${at}: the scheduler decided ${fault.recorded} and now decides ${fault.decided}`,
        'replay a trace with the version of cairn that recorded it',
        EXIT.verification,
        options,
      )
    case 'MALFORMED':
      return new CliError(
        `${at}: ${fault.reason}`,
        'the process that recorded it may have been killed; all before is good',
        EXIT.verification,
        options,
      )
    case 'UNSUPPORTED_VERSION':
      return new CliError(
        `${at}: a trace of format ${fault.found}, and this version of cairn knows ${fault.supported}`,
        'replay a trace with the version of cairn that recorded it',
        EXIT.usage,
        options,
      )
    default:
      return fault satisfies never
  }
}
