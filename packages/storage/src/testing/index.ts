export { blockStoreCompliance } from './block-store-compliance.ts'
export { sampleBlocks, sampleBytes } from './sample-bytes.ts'
export { type SampleEntry, type SampleSnapshot, sampleSnapshot, writeSample } from './sample-snapshot.ts'
