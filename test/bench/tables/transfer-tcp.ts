// What the machine can do at best with one plain connection and nothing else: the files of a directory over node:net,
// SHA-256 over every byte at the receiver. No chunks, no peers, no encryption, no resumption.
//
//   node reference-tcp.ts send DIR              prints `listening PORT`, then serves everyone who connects
//   node reference-tcp.ts receive PORT [DIR]    prints `received BYTES DIGEST`; writes to DIR if given
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { listFiles } from '../tree.ts'

const READ_BYTES = 1024 ** 2
const HEADER_BYTES = 10

/** A file is sent as: path bytes (u16), content bytes (u64), path, content. */
async function* frames(directory: string): AsyncGenerator<Buffer> {
  for (const file of await listFiles(directory)) {
    const path = Buffer.from(file.path)
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt16BE(path.length, 0)
    header.writeBigUInt64BE(BigInt(file.bytes), 2)
    yield Buffer.concat([header, path])
    if (file.bytes > 0) yield* createReadStream(join(directory, file.path), { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>
  }
}

function send(directory: string): void {
  const server = createServer((socket) => {
    pipeline(frames(directory), socket).catch((error: unknown) => console.error(error))
  })
  server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as AddressInfo).port}`))
}

async function receive(port: number, directory: string | undefined): Promise<void> {
  const options = { port, host: '127.0.0.1', readableHighWaterMark: READ_BYTES }
  const socket = connect(options)
  const hash = createHash('sha256')
  const reader = new Reader(socket)
  let bytes = 0
  for (let header = await reader.exactly(HEADER_BYTES); header !== undefined; header = await reader.exactly(HEADER_BYTES)) {
    const path = (await reader.exactly(header.readUInt16BE(0)))!.toString()
    const fileBytes = Number(header.readBigUInt64BE(2))
    hash.update(`${path}\0${fileBytes}\0`)
    const file = directory === undefined ? undefined : await create(join(directory, path))
    for (let rest = fileBytes; rest > 0;) {
      const part = await reader.atMost(rest)
      // The disk works while this thread hashes.
      const written = file === undefined ? undefined : writeAll(file, part)
      hash.update(part)
      rest -= part.length
      await written
    }
    await file?.close()
    bytes += fileBytes
  }
  console.log(`received ${bytes} ${hash.digest('hex')}`)
}

async function create(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true })
  return await open(path, 'wx')
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}

/** Takes a socket's bytes in the amounts asked for. */
class Reader {
  readonly #parts: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#parts = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  /** `undefined` if the stream ended before the first of them. */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    while (this.#rest.length < bytes) {
      const next = await this.#parts.next()
      if (next.done === true) {
        if (this.#rest.length === 0) return undefined
        throw new Error('the sender hung up within a header')
      }
      this.#rest = Buffer.concat([this.#rest, next.value])
    }
    return this.#take(bytes)
  }

  /** Between 1 and `bytes` bytes: what has arrived. */
  async atMost(bytes: number): Promise<Buffer> {
    if (this.#rest.length === 0) {
      const next = await this.#parts.next()
      if (next.done === true) throw new Error('the sender hung up within a file')
      this.#rest = next.value
    }
    return this.#take(Math.min(bytes, this.#rest.length))
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(bytes)
    return taken
  }
}

const [role, target = '', directory] = process.argv.slice(2)
if (role === 'send') send(target)
else await receive(Number(target), directory)
