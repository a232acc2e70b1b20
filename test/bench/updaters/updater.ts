import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Candidate } from '../contenders/choose.ts'
import type { Payload, Source, SourceAddress } from '../contenders/contender.ts'
import { payloadOf } from '../payload.ts'
import { RoleProcess, type Usage } from '../process.ts'
import type { Site } from '../site.ts'

/** Two versions of something: who has `from` wants `to`. */
export interface Change {
  readonly from: Version
  readonly to: Version
  /** `to` was published before `from`. */
  readonly isBack: boolean
}

export interface Version extends Payload {
  /** All of it as one archive, for programs that know nothing but files. */
  readonly archive: string
}

/** One way of bringing who has a version to another one. */
export interface Updater extends Candidate {
  /** Does what a publisher does when the version to go to appears, into an empty directory. */
  prepare(change: Change, directory: string): Promise<PreparedUpdate>
}

export interface PreparedUpdate {
  /** What the publisher did for this version, the one before being published already. */
  readonly preparing: Cost
  /** Says on the node's stdout that all plain files are in place and verified. */
  readonly complete: RegExp
  /** Brings the node to the old version. Not measured; nothing may run afterwards. */
  hold(node: Site, source: Site): Promise<void>
  /** Resolves when it serves. */
  startSource(site: Site): Promise<Source>
  /** Brings the node to the new version, in `node.into`. */
  startNode(node: Site, source: SourceAddress): RoleProcess
  /** What the node says of the bytes it took, by name with the unit last. */
  figures?(node: RoleProcess): Readonly<Record<string, number>>
}

/** What a command took. */
export interface Cost {
  readonly seconds: number
  readonly usage: Usage
}

/** Runs it to its end, which must be a good one. */
export async function costOf(start: () => RoleProcess): Promise<Cost> {
  const started = performance.now()
  await using running = start()
  await running.succeeded()
  return { seconds: (performance.now() - started) / 1000, usage: running.usage }
}

/** What a script in bash costs, with all that it starts. */
export async function costOfScript(role: string, script: string): Promise<Cost> {
  return await costOf(() => new RoleProcess({ role, command: 'bash', args: ['-c', `set -euo pipefail; ${script}`], hasChildren: true }))
}

/** Both directories with an archive of each, made under `work`. */
export async function makeChange(from: string, to: string, isBack: boolean, work: string): Promise<Change> {
  await mkdir(work, { recursive: true })
  return { from: await makeVersion(from, join(work, 'old.tar')), to: await makeVersion(to, join(work, 'new.tar')), isBack }
}

/** Nothing in the archive depends on anything but names and contents. */
async function makeVersion(directory: string, archive: string): Promise<Version> {
  const constant = '--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner'
  await costOfScript('tar', `tar ${constant} -C "${directory}" -cf "${archive}" .`)
  return { ...(await payloadOf(directory)), archive }
}
