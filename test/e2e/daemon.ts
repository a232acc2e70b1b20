import type { StatusReport } from '@cairn/observability'
import type { CairnProcess } from './cairn-process.ts'

/** A process that serves: where it listens, and what it says of itself. */
export class Daemon {
  readonly process: CairnProcess
  /** Multiaddr with peer id. */
  readonly address: string
  /** Base URL of its HTTP server, or the empty string. */
  readonly http: string

  private constructor(process: CairnProcess, address: string, http: string) {
    this.process = process
    this.address = address
    this.http = http
  }

  /** Resolves when `process` has printed where it listens, which is the last thing a daemon does before it only serves. */
  static async ready(process: CairnProcess): Promise<Daemon> {
    const { address } = await process.event('listening')
    const url = process.eventsOf('http')[0]?.['url']
    return new Daemon(process, String(address), typeof url === 'string' ? url : '')
  }

  get peer(): string {
    return this.address.split('/p2p/').at(-1) ?? ''
  }

  async status(): Promise<StatusReport> {
    return (await (await fetch(`${this.http}/status`)).json()) as StatusReport
  }

  /** The value of a metric, all labels together. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.http}/metrics`)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
}
