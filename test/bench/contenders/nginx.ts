import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RoleProcess } from '../process.ts'
import type { Site } from '../site.ts'

const READY_POLL_MS = 5

/** nginx with its usual workers, serving `root`; resolves when it listens. */
export async function startNginx(site: Site, root: string): Promise<RoleProcess> {
  const pidFile = join(site.directory, 'nginx.pid')
  const config = join(site.directory, 'nginx.conf')
  await writeFile(config, nginxConfig(site, root, pidFile))
  const command = site.run('nginx', ['-e', 'stderr', '-c', config])
  const nginx = new RoleProcess({ role: site.name, ...command, hasChildren: true })
  // It writes that file when its sockets are open.
  while (!existsSync(pidFile)) await Promise.race([delay(READY_POLL_MS), nginx.succeeded()])
  return nginx
}

function nginxConfig({ address, port, directory }: Site, root: string, pidFile: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${directory}/${what};`)
  return `
user root;
worker_processes auto;
daemon off;
pid ${pidFile};
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  ${temporary.join('\n  ')}
  server { listen ${address}:${port}; root ${root}; }
}
`
}
