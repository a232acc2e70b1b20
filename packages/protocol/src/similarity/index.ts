export { NearChunks, type SketchedSnapshot } from './near-chunks.ts'
export { sketchChunk } from './sketch.ts'
export { decodeSketchTable, encodeSketchTable, type SketchTable, SketchTableBuilder } from './sketch-table.ts'
