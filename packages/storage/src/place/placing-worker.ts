// The placing thread: see placing-thread.ts, which starts it. It loads as little as it can, because a join waits for it.
import { parentPort, workerData } from 'node:worker_threads'
import { ProtocolError, SHA256_BYTES } from '@cairn/protocol/chunk'
import { StorageError } from '../errors.ts'
import { LocalPlacer } from './local-placer.ts'
import type { PlacingReply, PlacingRequest } from './placing-messages.ts'

const memory = new Uint8Array(workerData as SharedArrayBuffer)
const placer = new LocalPlacer()

parentPort?.on('message', (requests: readonly PlacingRequest[]) => void work(requests))

async function work(requests: readonly PlacingRequest[]): Promise<void> {
  const replies: PlacingReply[] = []
  for (const request of requests) {
    // Waits for the disk, and everybody else need not wait with it.
    if (request.type === 'sync') void answer(request).then((reply) => parentPort?.postMessage([reply]))
    else replies.push(await answer(request))
  }
  parentPort?.postMessage(
    replies,
    replies.flatMap((reply) => ('value' in reply && reply.value instanceof Uint8Array ? [reply.value.buffer as ArrayBuffer] : [])),
  )
}

async function answer(request: PlacingRequest): Promise<PlacingReply> {
  const { id } = request
  try {
    return { id, value: await carryOut(request) }
  } catch (error) {
    if (error instanceof ProtocolError) return { id, fault: { of: 'protocol', is: error.fault } }
    if (error instanceof StorageError) return { id, fault: { of: 'storage', is: error.fault } }
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function carryOut(request: PlacingRequest): Promise<Extract<PlacingReply, { value: unknown }>['value']> {
  switch (request.type) {
    case 'place': {
      const { offset, frameBytes, plainBytes, places, delta } = request
      const digest = memory.subarray(offset, offset + SHA256_BYTES)
      const frame = memory.subarray(offset + SHA256_BYTES, offset + SHA256_BYTES + frameBytes)
      return placer.place({ frame, digest, plainBytes, places, ...(delta === undefined ? {} : { delta }) })
    }
    case 'read':
      return placer.read(request.job)
    case 'copy':
      return placer.copy(request.job)
    case 'adopt':
      return placer.adopt(request.job)
    case 'scan':
      return placer.scan(request.job)
    case 'make':
      return placer.make(request.file)
    case 'sync':
      await placer.sync(request.files)
      return undefined
    case 'forget':
      await placer.forget(request.entry)
      return undefined
    case 'release':
      await placer.release()
      return undefined
    default:
      return request satisfies never
  }
}
