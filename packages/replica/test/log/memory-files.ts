import type { Random } from '@cairn/runtime'
import type { LogFile, LogFiles } from '../../src/log/log-files.ts'

interface Content {
  /** What a reader sees. */
  bytes: Buffer
  /** What a power cut leaves for certain. */
  synced: Buffer
  /** Writes since the last sync. */
  writes: { readonly at: number; readonly bytes: Buffer }[]
}

const SECTOR_BYTES = 512

/** A directory that forgets, on {@link MemoryFiles.crash}, an arbitrary part of what was not synced; and fails when told to. */
export class MemoryFiles implements LogFiles {
  #names = new Map<string, Content>()
  #syncedNames = new Map<string, Content>()
  /** Calls of `sync` that succeed before one fails; Infinity for ever. */
  syncsLeft = Infinity

  list(): readonly string[] {
    return [...this.#names.keys()]
  }

  read(name: string): Uint8Array {
    return Buffer.from(this.#content(name).bytes)
  }

  open(name: string): LogFile {
    if (!this.#names.has(name)) this.#names.set(name, { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), writes: [] })
    const content = this.#content(name)
    return {
      write(bytes, position) {
        content.bytes = written(content.bytes, bytes, position)
        content.writes.push({ at: position, bytes: Buffer.from(bytes) })
      },
      read: (position, bytes) => content.bytes.subarray(position, position + bytes),
      sync: async () => {
        if (this.syncsLeft <= 0) throw new Error('EIO: i/o error, fdatasync')
        this.syncsLeft--
        content.synced = Buffer.from(content.bytes)
        content.writes = []
      },
      close() {},
    }
  }

  rename(from: string, to: string): void {
    this.#names.set(to, this.#content(from))
    this.#names.delete(from)
  }

  remove(name: string): void {
    this.#names.delete(name)
  }

  syncNames(): void {
    this.#syncedNames = new Map(this.#names)
  }

  /** What a power cut leaves: each sector that was not synced is the old or the new one, and names too. */
  crash(random: Random): MemoryFiles {
    const left = new MemoryFiles()
    const keepsNames = random.u32() % 2 === 0
    for (const [name, content] of keepsNames ? this.#names : this.#syncedNames) {
      let bytes: Buffer = Buffer.from(content.synced)
      for (const write of content.writes) {
        for (let at = 0; at < write.bytes.byteLength;) {
          const end = Math.min(write.bytes.byteLength, at + SECTOR_BYTES - ((write.at + at) % SECTOR_BYTES))
          if (random.u32() % 2 === 0) bytes = written(bytes, write.bytes.subarray(at, end), write.at + at)
          at = end
        }
      }
      left.#put(name, bytes)
    }
    return left
  }

  /** The same bytes, and changes to them that no program made. */
  damage(change: (name: string, bytes: Buffer) => void): MemoryFiles {
    const copy = new MemoryFiles()
    for (const [name, { bytes }] of this.#names) {
      const changed = Buffer.from(bytes)
      change(name, changed)
      copy.#put(name, changed)
    }
    return copy
  }

  #put(name: string, bytes: Buffer): void {
    const content = { bytes, synced: Buffer.from(bytes), writes: [] }
    this.#names.set(name, content)
    this.#syncedNames.set(name, content)
  }

  #content(name: string): Content {
    const content = this.#names.get(name)
    if (content === undefined) throw new Error(`ENOENT: ${name}`)
    return content
  }
}

function written(old: Buffer, bytes: Uint8Array, at: number): Buffer {
  const next = Buffer.alloc(Math.max(old.byteLength, at + bytes.byteLength))
  next.set(old)
  next.set(bytes, at)
  return next
}
