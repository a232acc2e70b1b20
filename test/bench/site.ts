import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** Where one role of a swarm runs. */
export interface Site {
  /** `source`, `node 1`. */
  readonly name: string
  /** IPv4. */
  readonly address: string
  /** To listen on; nobody else does. */
  readonly port: number
  /** The role's own, for whatever it writes besides the snapshot. Made. */
  readonly directory: string
  /** Where a node is to place the snapshot. Not made; always called `state`, which some programs want to know before. */
  readonly into: string
  /** The command line that runs a program here. */
  run(command: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] }
}

/** Where a node finds something to connect to: a site's address, or a relay's before it. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** Sites on this machine's loopback, under `work`. */
export async function loopbackSites(names: readonly string[], work: string): Promise<Site[]> {
  const ports = await freePorts(names.length)
  return await Promise.all(
    names.map(async (name, index) => ({
      name,
      address: '127.0.0.1',
      port: ports[index]!,
      run: (command: string, args: readonly string[]) => ({ command, args }),
      ...(await siteDirectories(name, work)),
    })),
  )
}

export async function siteDirectories(name: string, work: string): Promise<Pick<Site, 'directory' | 'into'>> {
  const directory = join(work, name.replaceAll(' ', '-'))
  await mkdir(directory, { recursive: true })
  return { directory, into: join(directory, 'state') }
}

/** Ports that nobody listened on a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map(async (server) => (server.close(), once(server, 'close'))))
  return ports
}
