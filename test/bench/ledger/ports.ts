import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** Below what kernels give to connections that go out (Linux: from 32,768 on): one of those could take a port before its server does. */
const PORT_MIN = 10_000
const PORT_MAX = 32_767

/** Ports of the loopback interface that nobody had a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = new Map<number, Server>()
  while (servers.size < count) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1)
    const server = servers.has(port) ? undefined : await listening(port)
    if (server !== undefined) servers.set(port, server)
  }
  await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))))
  return [...servers.keys()]
}

/** `undefined` if somebody has the port. */
function listening(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
