export { blockStoreCompliance } from './block-store-compliance.ts'
export { type SampleBlock, sampleBlocks, sampleBytes } from './sample-bytes.ts'
export { type SampleEntry, type SampleSnapshot, sampleSnapshot, writeSample } from './sample-snapshot.ts'
