import { type Disk, systemDisk } from '../../src/index.ts'

type Call = 'write' | 'datasync'

/** A disk that can be told to fail one kind of call; only on files named `only`, if given. */
export class FailingDisk implements Disk {
  readonly calls: Record<Call, number> = { write: 0, datasync: 0 }
  readonly #only: string | undefined
  /** Descriptors of files that this disk spares. */
  readonly #spared = new Set<number>()
  #failing: { readonly call: Call; readonly code: string } | undefined

  constructor(only?: string) {
    this.#only = only
  }

  fail(call: Call, code: string): void {
    this.#failing = { call, code }
  }

  heal(): void {
    this.#failing = undefined
  }

  async availableBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER
  }

  async open(...args: Parameters<Disk['open']>): ReturnType<Disk['open']> {
    const handle = await systemDisk.open(...args)
    if (!this.#concerns(args[0])) return handle
    return new Proxy(handle, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        return (...args: readonly unknown[]): unknown => {
          if (property === 'write' && this.#fails('write')) {
            const [bytes, from, length, position] = args as [Uint8Array, number, number, number]
            return target.write(bytes, from, Math.floor(length / 2), position).then(() => this.#throw())
          }
          if (property === 'datasync' && this.#fails('datasync')) return Promise.resolve().then(() => this.#throw())
          return Reflect.apply(value, target, args)
        }
      },
    })
  }

  openSync(path: string, flags: number, mode: number): number {
    const file = systemDisk.openSync(path, flags, mode)
    if (this.#concerns(path)) this.#spared.delete(file)
    else this.#spared.add(file)
    return file
  }

  /** A full disk takes what fits before it refuses. */
  writeSync(file: number, bytes: Uint8Array, from: number, position: number): number {
    if (this.#spared.has(file) || !this.#fails('write')) return systemDisk.writeSync(file, bytes, from, position)
    systemDisk.writeSync(file, bytes.subarray(0, from + Math.floor((bytes.byteLength - from) / 2)), from, position)
    return this.#throw()
  }

  async datasync(file: number): Promise<void> {
    if (!this.#spared.has(file) && this.#fails('datasync')) this.#throw()
    await systemDisk.datasync(file)
  }

  #concerns(path: string): boolean {
    return this.#only === undefined || path.endsWith(this.#only)
  }

  #fails(call: Call): boolean {
    this.calls[call]++
    return this.#failing?.call === call
  }

  #throw(): never {
    const code = this.#failing?.code ?? 'EIO'
    throw Object.assign(new Error(`${code}: told to fail`), { code })
  }
}
