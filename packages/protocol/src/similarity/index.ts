export { NearChunks, type SketchedSnapshot } from './near-chunks.ts'
export { sketchChunk, Sketcher } from './sketch.ts'
export { SketchIndex } from './sketch-index.ts'
export { decodeSketchTable, encodeSketchTable, type SketchTable, SketchTableBuilder } from './sketch-table.ts'
