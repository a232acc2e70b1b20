import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Programs and packages that others are measured with. */
export type Tool =
  | 'aria2c'
  | 'casync'
  | 'curl'
  | 'etcd'
  | 'helia'
  | 'libtorrent'
  | 'lmdb'
  | 'nginx'
  | 'ostree'
  | 'webtorrent'
  | 'xdelta3'
  | 'zstd'
  | 'zsync'

/** Debian's, which its packages install modules for. */
export const PYTHON = '/usr/bin/python3'

interface ToolInit {
  /** Debian's name of it. */
  readonly debian?: string
  /** As `npm install` takes them. */
  readonly npm?: readonly string[]
  /** Prints its version. */
  readonly version: readonly [command: string, ...args: string[]]
}

/** Where npm packages are installed. Changes with the versions below. */
export const NPM_DIRECTORY = join(tmpdir(), 'cairn-bench-tools-1')

const TOOLS: Readonly<Record<Tool, ToolInit>> = {
  aria2c: { debian: 'aria2', version: ['aria2c', '--version'] },
  casync: { debian: 'casync', version: ['casync', '--version'] },
  curl: { debian: 'curl', version: ['curl', '--version'] },
  etcd: { debian: 'etcd-server', version: ['etcd', '--version'] },
  helia: { npm: ['helia@7.1.15', '@helia/unixfs@8.0.5'], version: npmVersion('helia') },
  libtorrent: { debian: 'python3-libtorrent', version: [PYTHON, '-c', 'import libtorrent; print(libtorrent.__version__)'] },
  lmdb: { npm: ['lmdb@3.5.6'], version: npmVersion('lmdb') },
  nginx: { debian: 'nginx-light', version: ['sh', '-c', 'nginx -v 2>&1'] },
  ostree: { debian: 'ostree', version: ['ostree', '--version'] },
  webtorrent: {
    npm: ['webtorrent@3.0.21'],
    version: npmVersion('webtorrent'),
  },
  xdelta3: { debian: 'xdelta3', version: ['sh', '-c', 'xdelta3 -V 2>&1'] },
  zstd: { debian: 'zstd', version: ['zstd', '--version'] },
  zsync: { debian: 'zsync', version: ['zsync', '-V'] },
}

/** Where an npm package is, once it is installed. */
export function npmPath(name: string): string {
  return join(NPM_DIRECTORY, 'node_modules', name)
}

function npmVersion(name: string): [string, ...string[]] {
  const manifest = JSON.stringify(join(npmPath(name), 'package.json'))
  return [process.execPath, '-p', `JSON.parse(fs.readFileSync(${manifest})).version`]
}

/** `undefined` if it is not installed. */
export function toolVersion(tool: Tool): string | undefined {
  const [command, ...args] = TOOLS[tool].version
  try {
    const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return (/\d+(?:\.\d+)+/.exec(text) ?? /\d+/.exec(text))?.[0] ?? 'unknown'
  } catch {
    return undefined
  }
}

/** Installs what is missing: Debian's packages as root, npm's into a directory of their own. */
export async function installTools(tools: readonly Tool[]): Promise<void> {
  const missing = tools.filter((tool) => toolVersion(tool) === undefined).map((tool) => TOOLS[tool])
  const debian = missing.flatMap(({ debian }) => debian ?? [])
  const npm = missing.flatMap(({ npm }) => npm ?? [])
  if (debian.length > 0) {
    // At run level 1 no service is started on behalf of a package.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...debian], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  if (npm.length > 0) {
    if (!existsSync(NPM_DIRECTORY)) await mkdir(NPM_DIRECTORY)
    const options = ['--prefix', NPM_DIRECTORY, '--ignore-scripts', '--no-audit', '--no-fund']
    execFileSync('npm', ['install', ...options, ...npm], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
}
