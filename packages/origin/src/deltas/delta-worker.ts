// A thread that makes deltas, one at a time.
import { CHUNK_BYTES_MAX, decodeFrame, encodeDelta } from '@cairn/protocol/chunk'
import { freeMemory } from '@cairn/runtime'
import { serveCalls } from '@cairn/storage/worker'
import type { DeltaCall, DeltaReply } from './delta-calls.ts'

serveCalls(({ frame, bases, deltaBytesMax }: DeltaCall): DeltaReply => {
  const plain = decodeFrame(frame, CHUNK_BYTES_MAX)
  const plainBytes = plain.byteLength
  const plainBases = bases.map((base) => ({ digest: base.digest, plain: decodeFrame(base.frame, CHUNK_BYTES_MAX) }))
  const delta = encodeDelta(plain, plainBases)
  // A plain frame's payload is a part of it.
  for (const used of [plain, ...plainBases.map((base) => base.plain), frame, ...bases.map((base) => base.frame)]) freeMemory(used)
  return { delta: delta.byteLength <= Math.min(deltaBytesMax, plainBytes) ? delta : undefined }
})
