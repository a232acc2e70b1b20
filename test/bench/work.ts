import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onExit } from './cleanup.ts'

/** Calls `use` with a directory that is gone afterwards, whatever happens. */
export async function withWork<Result>(use: (work: string) => Promise<Result>): Promise<Result> {
  const work = await mkdtemp(join(tmpdir(), 'cairn-bench-'))
  const remove = (): void => rmSync(work, { recursive: true, force: true })
  const forget = onExit(remove)
  try {
    return await use(work)
  } finally {
    forget()
    remove()
  }
}

/** Has the disk write what is still in memory, so that one measurement does not pay for the one before. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync')
}
