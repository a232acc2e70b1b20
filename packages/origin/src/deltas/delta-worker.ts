// A thread that makes deltas, one at a time.
import { CHUNK_BYTES_MAX, decodeFrame, encodeDelta } from '@cairn/protocol/chunk'
import { serveCalls } from '@cairn/storage/worker'
import type { DeltaCall, DeltaReply } from './delta-calls.ts'

serveCalls(({ frame, bases, deltaBytesMax }: DeltaCall): DeltaReply => {
  const plain = decodeFrame(frame, CHUNK_BYTES_MAX)
  const delta = encodeDelta(
    plain,
    bases.map(({ digest, frame }) => ({ digest, plain: decodeFrame(frame, CHUNK_BYTES_MAX) })),
  )
  return { delta: delta.byteLength <= Math.min(deltaBytesMax, plain.byteLength) ? delta : undefined }
})
