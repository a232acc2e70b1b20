/** The log's bytes without its files: for who rehearses what a disk can do to them. */
export { encodeRecord, type RecordPlace } from './record.ts'
export { encodeSegmentHeader, scanSegment } from './segment.ts'
