/** The log's bytes, and what of them is needed, without its files: for who rehearses what a disk can do to them. */
export { LogMarks } from './log-marks.ts'
export { encodeRecord, type RecordPlace } from './record.ts'
export { encodeSegmentHeader, scanSegment } from './segment.ts'
