// A thread that makes deltas, one at a time.
import assert from 'node:assert/strict'
import {
  AnchorIndex,
  type Anchors,
  anchorsOf,
  CHUNK_BYTES_MAX,
  type ChunkPiece,
  decodeFrame,
  encodeFromPieces,
  PieceFinder,
} from '@cairn/protocol/chunk'
import { freeMemory } from '@cairn/runtime'
import { serveCalls } from '@cairn/storage/worker'
import { KeptChunks } from './kept-chunks.ts'
import type { DeltaCall, DeltaReply } from './delta-calls.ts'

const kept = new KeptChunks()
let finder: PieceFinder | undefined
let chosen: { readonly plain: Uint8Array; readonly pieces: readonly ChunkPiece[] } | undefined

serveCalls((call: DeltaCall): DeltaReply => {
  switch (call.type) {
    case 'scan':
      return { type: 'scanned', anchors: scan(call.frame, call.bits) }
    case 'begin':
      finder = new PieceFinder(new AnchorIndex(call.table), call.starts)
      return { type: 'begun' }
    case 'choose':
      return choose(call.frame, call.besides)
    case 'make':
      return { type: 'made', delta: make(call) }
  }
})

function scan(frame: Uint8Array, bits: number): Anchors {
  const plain = inflate(frame)
  const anchors = anchorsOf(plain, bits)
  freeMemory(plain)
  return anchors
}

/** The plain bytes of a frame, whose memory is given back, unless they are a part of it. */
function inflate(frame: Uint8Array): Uint8Array {
  const plain = decodeFrame(frame, CHUNK_BYTES_MAX)
  if (plain.buffer !== frame.buffer) freeMemory(frame)
  return plain
}

function choose(frame: Uint8Array, besides: readonly ChunkPiece[]): DeltaReply {
  assert(finder !== undefined, 'begin comes before choose')
  const plain = inflate(frame)
  const found = finder.find(plain)
  const pieces = found.length > 0 ? found : besides
  const bases = [...new Set(pieces.map(({ chunk }) => chunk))]
  // Nobody asks to make what is made from nothing.
  if (bases.length === 0) freeMemory(plain)
  else chosen = { plain, pieces }
  return { type: 'chosen', basesCount: bases.length, missing: bases.filter((chunk) => !kept.has(chunk)) }
}

function make({ bases, deltaBytesMax }: Extract<DeltaCall, { type: 'make' }>): Uint8Array | undefined {
  assert(chosen !== undefined, 'choose comes before make')
  const { plain, pieces } = chosen
  chosen = undefined
  for (const { chunk, digest, frame } of bases) if (frame !== undefined) kept.add(chunk, { digest, plain: inflate(frame) })
  const readable = pieces.filter(({ chunk }) => kept.has(chunk))
  const delta = readable.length === 0 ? undefined : encodeFromPieces(plain, readable, (chunk) => kept.take(chunk))
  const isOfUse = delta !== undefined && delta.byteLength <= Math.min(deltaBytesMax, plain.byteLength)
  freeMemory(plain)
  kept.makeRoom()
  return isOfUse ? delta : undefined
}
