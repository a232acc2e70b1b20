// Network namespaces on one bridge. The bridge has a namespace of its own as well, so nothing of it meets the machine's
// own network, two labs can exist at once, and removing the namespaces removes everything.
import { execFileSync } from 'node:child_process'
import { onExit } from './cleanup.ts'
import { type Site, siteDirectories } from './site.ts'

/** Every program listens here: each has an address of its own. */
const PORT = 4001
/**
 * Of a limited uplink's bucket: more than the 64 KiB that the kernel hands to an interface as one packet, and 5 ms at 200 Mbit/s.
 */
const BURST_BYTES = 128 * 1024
/** What a limited uplink queues, in time: a home router's order of magnitude, and enough for TCP to keep it busy. */
const QUEUE_MS = 50

let labsCount = 0

/** Why there can be no lab here; `undefined` if there can. */
export function labObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  for (const command of [
    ['ip', '-V'],
    ['tc', '-V'],
    ['nsenter', '-V'],
  ] as const) {
    try {
      run(command[0], command[1])
    } catch {
      return `${command[0]} is not installed (iproute2, util-linux)`
    }
  }
  const probe = `cairn-probe-${process.pid}`
  try {
    run('ip', 'netns', 'add', probe)
    run('ip', 'netns', 'del', probe)
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error)}`
  }
  return undefined
}

/** Some sites, each in a network namespace of its own. */
export class Lab implements Disposable {
  readonly sites: readonly Site[]
  readonly #prefix: string
  readonly #namespaces: string[] = []
  readonly #forget: () => void
  #isSplit = false

  /** `names`: of the sites, which work under `work`. */
  static async create(names: readonly string[], work: string): Promise<Lab> {
    const directories = await Promise.all(names.map((name) => siteDirectories(name, work)))
    const lab = new Lab(names.map((name, index) => ({ name, ...directories[index]! })))
    try {
      lab.#build()
      return lab
    } catch (error) {
      lab[Symbol.dispose]()
      throw error
    }
  }

  private constructor(sites: readonly Omit<Site, 'address' | 'port' | 'run'>[]) {
    this.#prefix = `cairn-bench-${process.pid}-${labsCount++}`
    this.sites = sites.map((site, index) => ({
      ...site,
      address: `10.77.0.${index + 1}`,
      port: PORT,
      run: (command, args) => ({ command: 'nsenter', args: [`--net=/run/netns/${this.#name(index)}`, '--', command, ...args] }),
    }))
    this.#forget = onExit(() => this.#remove())
  }

  site(name: string): Site {
    return this.sites[this.#index(name)]!
  }

  /** Limits what the site can send; what it receives stays unlimited. */
  limitUplink(name: string, megabitsPerSecond: number): void {
    const inside = this.#name(this.#index(name))
    const shape = ['rate', `${megabitsPerSecond}mbit`, 'burst', String(BURST_BYTES), 'latency', `${QUEUE_MS}ms`]
    run('ip', 'netns', 'exec', inside, 'tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...shape)
  }

  /** Cuts these sites off from all others; among themselves they hear each other. */
  split(names: readonly string[]): void {
    const middle = this.#name('switch')
    if (!this.#isSplit) {
      run('ip', '-n', middle, 'link', 'add', 'island', 'type', 'bridge')
      run('ip', '-n', middle, 'link', 'set', 'island', 'up')
      this.#isSplit = true
    }
    for (const name of names) run('ip', '-n', middle, 'link', 'set', `port${this.#index(name)}`, 'master', 'island')
  }

  /** Undoes every {@link split}. */
  heal(): void {
    for (const index of this.sites.keys()) run('ip', '-n', this.#name('switch'), 'link', 'set', `port${index}`, 'master', 'bridge')
  }

  /** Bytes that left the site so far, with every header. Read where they arrive, behind the limit. */
  egressBytes(name: string): number {
    const text = run('ip', '-n', this.#name('switch'), '-j', '-s', 'link', 'show', `port${this.#index(name)}`)
    const [link] = JSON.parse(text) as [{ readonly stats64: { readonly rx: { readonly bytes: number } } }]
    return link.stats64.rx.bytes
  }

  [Symbol.dispose](): void {
    this.#forget()
    this.#remove()
  }

  #index(name: string): number {
    const index = this.sites.findIndex((site) => site.name === name)
    if (index === -1) throw new Error(`there is no site ${name}`)
    return index
  }

  #name(which: number | 'switch'): string {
    return `${this.#prefix}-${which}`
  }

  #build(): void {
    const middle = this.#name('switch')
    this.#addNamespace(middle)
    run('ip', '-n', middle, 'link', 'add', 'bridge', 'type', 'bridge')
    run('ip', '-n', middle, 'link', 'set', 'bridge', 'up')
    for (const [index, site] of this.sites.entries()) {
      const name = this.#name(index)
      this.#addNamespace(name)
      run('ip', '-n', middle, 'link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      run('ip', '-n', middle, 'link', 'set', `port${index}`, 'master', 'bridge', 'up')
      run('ip', '-n', name, 'address', 'add', `${site.address}/24`, 'dev', 'eth0')
      run('ip', '-n', name, 'link', 'set', 'eth0', 'up')
      run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    }
  }

  #addNamespace(name: string): void {
    run('ip', 'netns', 'add', name)
    this.#namespaces.push(name)
  }

  #remove(): void {
    for (let name; (name = this.#namespaces.pop()) !== undefined;) run('ip', 'netns', 'del', name)
  }
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
