import { rm } from 'node:fs/promises'
import type { Deployment, Payload, SourceAddress } from './contenders/contender.ts'
import type { Sample } from './harness.ts'
import { checkArrived } from './payload.ts'
import { RoleProcess } from './process.ts'
import type { Endpoint, Site } from './site.ts'
import { settleDisk } from './work.ts'

export interface SwarmInit {
  readonly deployment: Deployment
  readonly payload: Payload
  readonly source: Site
  readonly nodes: readonly Site[]
  /** What nodes are told to connect to, if not the source itself. */
  readonly before?: (source: Endpoint) => Promise<Endpoint>
  /** Called when the slowest node is complete, while all of them are still there. */
  readonly atEnd?: () => Readonly<Record<string, number>>
}

/**
 * One source that serves, and nodes that start together on empty directories.
 *
 * `seconds` is from the start of the nodes' processes until the slowest says that its files are in place and verified, and
 * `secondsFirst` until the fastest does. Nodes stay when they are complete. The outputs are compared with the payload afterwards.
 */
export async function measureSwarm({ deployment, payload, source, nodes, before, atEnd }: SwarmInit): Promise<Sample> {
  const running: RoleProcess[] = []
  try {
    const { role, helpers, id } = await deployment.startSource(source)
    running.push(role, ...helpers)
    const address: SourceAddress = { ...(before === undefined ? source : await before(source)), id }
    await settleDisk()
    const cpuBefore = role.usage.cpuSeconds
    const started = performance.now()
    const joining = nodes.map((node) => {
      const others = nodes.filter((other) => other !== node)
      return deployment.startNode(node, address, others)
    })
    running.push(...joining)
    const seconds = await Promise.all(joining.map((node) => secondsUntilComplete(node, deployment, started)))
    const values = { seconds: Math.max(...seconds), secondsFirst: Math.min(...seconds), ...atEnd?.() }
    const { rssBytesMax, cpuSeconds } = role.usage
    const usage = {
      source: { rssBytesMax, cpuSeconds: cpuSeconds - cpuBefore },
      ...Object.fromEntries(joining.map((node) => [node.role, node.usage])),
    }
    await stopAll(running)
    for (const { into } of nodes) await checkArrived(payload, into)
    return { values, usage }
  } finally {
    await stopAll(running)
    await Promise.all(nodes.map(({ into }) => rm(into, { recursive: true, force: true })))
  }
}

async function secondsUntilComplete(node: RoleProcess, { complete }: Deployment, started: number): Promise<number> {
  await node.line(complete)
  return (performance.now() - started) / 1000
}

/** Nothing is left to lose: there is no reason to wait for goodbyes. */
async function stopAll(running: readonly RoleProcess[]): Promise<void> {
  await Promise.all(running.map((role) => role.crash()))
}
