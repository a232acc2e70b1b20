import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RoleProcess } from '../process.ts'
import type { Site } from '../site.ts'
import type { Contender, Payload } from './contender.ts'

export const LEDGER = 'bench'
const CAIRN = fileURLToPath(new URL('../../../packages/cli/bin/cairn.js', import.meta.url))

export const cairn: Contender = {
  name: 'cairn',
  tools: [],
  async prepare(payload, directory) {
    const workspace = join(directory, 'workspace')
    await initWorkspace(workspace)
    const { storedBytes } = await publishPayload(payload, workspace)
    return {
      compressedBytes: storedBytes,
      complete: /^joined\s/,
      async startSource(site) {
        const role = startOrigin(site, workspace)
        return { role, helpers: [], id: await peerId(role) }
      },
      startNode: (site, source) => startJoin(site, workspace, [peerAddress(source)], ['--stay']),
    }
  },
}

/** The program, with `args`, at a site or right here. */
export function runCairn(role: string, args: readonly string[], site?: Site, onLine?: (line: string) => void): RoleProcess {
  const command = site?.run(process.execPath, [CAIRN, ...args]) ?? { command: process.execPath, args: [CAIRN, ...args] }
  return new RoleProcess({ role, ...command, ...(onLine !== undefined && { onLine }) })
}

export async function initWorkspace(workspace: string): Promise<void> {
  await runCairn('init', ['init', workspace, '--ledger', LEDGER]).succeeded()
}

export interface Published {
  /** All frames: chunks as they are stored and sent, and the manifest. */
  readonly storedBytes: number
}

export async function publishPayload(
  { directory }: Pick<Payload, 'directory'>,
  workspace: string,
  more: readonly string[] = [],
): Promise<Published> {
  const publish = startPublish(directory, workspace, 1, more)
  const [line] = await publish.line(/^\{"type":"published".*$/)
  await publish.succeeded()
  return JSON.parse(line) as Published
}

export function startPublish(directory: string, workspace: string, height: number, more: readonly string[] = []): RoleProcess {
  const target = ['--workspace', workspace, '--ledger', LEDGER, '--height', `${height}`, '--json']
  return runCairn('publish', ['publish', directory, ...target, ...more])
}

export function startOrigin(site: Site, workspace: string, more: readonly string[] = []): RoleProcess {
  return runCairn(site.name, ['origin', '--workspace', workspace, '--listen', listenAddress(site), ...more], site)
}

export function startJoin(
  site: Site,
  workspace: string,
  peers: readonly string[],
  more: readonly string[] = [],
  onLine?: (line: string) => void,
  height?: number,
): RoleProcess {
  const release = height === undefined ? LEDGER : `${LEDGER}@${height}`
  const sources = peers.flatMap((peer) => ['--peer', peer])
  const target = ['--trust', join(workspace, 'root.json'), '--into', site.into, '--listen', listenAddress(site)]
  return runCairn(site.name, ['join', release, ...target, ...sources, ...more], site, onLine)
}

/** The peer id in what a daemon prints when it listens, as text or as JSON. */
export async function peerId(daemon: RoleProcess): Promise<string> {
  const [, id = ''] = await daemon.line(/listening.*\/p2p\/(\w+)/)
  return id
}

export function peerAddress({ address, port, id }: { readonly address: string; readonly port: number; readonly id: string }): string {
  return `/ip4/${address}/tcp/${port}/p2p/${id}`
}

function listenAddress({ address, port }: Site): string {
  return `/ip4/${address}/tcp/${port}`
}
