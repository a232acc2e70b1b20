// What it takes to make and to check chunks: no manifest, no messages and no dependency, since every thread that does it loads this anew.
export { CHUNKING, type ChunkingParameters, cutChunk } from './chunking.ts'
export { Sketcher } from './similarity/sketch.ts'
export { type DeltaBase, decodeDelta, deltaBases, encodeDelta } from './delta.ts'
export { chunkCidBytes, CID_BYTES, SHA256_BYTES, sha256 } from './digest.ts'
export { ProtocolError, type ProtocolFault } from './errors.ts'
export { decodeFrame, encodeFrame, encodeFramePieces, plainFrameToFill } from './frame.ts'
export { CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, FRAME_BYTES_MAX, SKETCH_VALUES } from './limits.ts'
