import { rm } from 'node:fs/promises'
import { type Row, type Sample } from './harness.ts'
import { Lab } from './lab.ts'
import { checkArrived } from './payload.ts'
import type { RoleProcess } from './process.ts'
import type { Site } from './site.ts'
import type { Change, PreparedUpdate, Updater } from './updaters/updater.ts'
import { settleDisk, withWork } from './work.ts'

export interface UpdateRowInit {
  readonly name: string
  readonly updater: Updater
  readonly change: Change
  /** Empty, for what the publisher prepares. */
  readonly directory: string
  /** Of the source; unlimited if absent. */
  readonly uplinkMegabits?: number
}

/** One updater and one change. It is prepared once, in the first round. */
export function updateRow({ name, updater, change, directory, uplinkMegabits }: UpdateRowInit): Row {
  let prepared: PreparedUpdate | undefined
  return {
    name,
    async measure() {
      prepared ??= await updater.prepare(change, directory)
      return await measureUpdate(change, prepared, uplinkMegabits)
    },
  }
}

/**
 * One source, and one node that holds the old version.
 *
 * `wireBytes` is all that left the source, with every header; `seconds` is from the start of the node's process until it says that
 * its files are in place and verified. They are compared with the new version afterwards.
 */
async function measureUpdate(change: Change, prepared: PreparedUpdate, uplinkMegabits: number | undefined): Promise<Sample> {
  return await withWork(async (work) => {
    using lab = await Lab.create(['source', 'node'], work)
    const [source, node] = lab.sites as [Site, Site]
    const running: RoleProcess[] = []
    try {
      await prepared.hold(node, source)
      const { role, helpers, id } = await prepared.startSource(source)
      running.push(role, ...helpers)
      if (uplinkMegabits !== undefined) lab.limitUplink('source', uplinkMegabits)
      await settleDisk()
      const egressBefore = lab.egressBytes('source')
      const cpuBefore = role.usage.cpuSeconds
      const started = performance.now()
      const updating = prepared.startNode(node, { ...source, id })
      running.push(updating)
      await updating.line(prepared.complete)
      const seconds = (performance.now() - started) / 1000
      const wireBytes = lab.egressBytes('source') - egressBefore
      const { rssBytesMax, cpuSeconds } = role.usage
      const values = { seconds, wireBytes, prepareSeconds: prepared.preparing.seconds, ...prepared.figures?.(updating) }
      const usage = {
        prepare: prepared.preparing.usage,
        source: { rssBytesMax, cpuSeconds: cpuSeconds - cpuBefore },
        node: updating.usage,
      }
      await crashAll(running)
      await checkArrived(change.to, node.into)
      return { values, usage }
    } finally {
      await crashAll(running)
      await rm(node.into, { recursive: true, force: true })
    }
  })
}

async function crashAll(running: readonly RoleProcess[]): Promise<void> {
  await Promise.all(running.map((role) => role.crash()))
}
