import { ReplicaError } from '../errors.ts'
import type { LogFile, LogFiles } from './log-files.ts'
import type { RecordPlace } from './record.ts'
import { decodeSegmentHeader, encodeSegmentHeader, SEGMENT_HEADER_BYTES, scanSegment, type SegmentScan } from './segment.ts'

const SPARE = 'spare.tmp'
const NAME = /^(\d{16})\.wal$/
const ZEROS_BYTES = 1024 * 1024

/** Segments of a log: files of one size, `<number of their first record>.wal`, zeros where nothing is written yet. */
export class SegmentFiles {
  readonly #files: LogFiles
  readonly #path: string
  readonly #segmentBytes: number
  #spare: Promise<LogFile> | undefined

  /** `path` names the directory in errors. */
  constructor(files: LogFiles, path: string, segmentBytes: number) {
    this.#files = files
    this.#path = path
    this.#segmentBytes = segmentBytes
  }

  /** First records of the segments that are there, ascending. */
  list(): readonly number[] {
    return this.#files
      .list()
      .map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
      .filter((seq) => Number.isSafeInteger(seq))
      .sort((a, b) => a - b)
  }

  /**
   * Reads the segment that begins with record `seq`; it must be the one that follows `after`, if that is known.
   *
   * @throws {ReplicaError} `LOG_CORRUPT`
   */
  scan(salt: number, seq: number, after: RecordPlace | undefined): SegmentScan {
    const bytes = Buffer.from(this.#files.read(nameOf(seq)))
    const place = decodeSegmentHeader(bytes)
    const expected = after?.seq ?? seq
    if (place === undefined || place.salt !== salt || place.seq !== seq)
      throw this.#corrupt(expected, `${nameOf(seq)} does not begin as it did`)
    if (after !== undefined && (place.seq !== after.seq || place.prevCrc !== after.prevCrc)) {
      throw this.#corrupt(expected, `${nameOf(seq)} does not continue what is before it`)
    }
    const scan = scanSegment(bytes, place)
    if (scan.strayAt !== undefined) {
      throw this.#corrupt(scan.next.seq, `${nameOf(seq)} is damaged at byte ${scan.end}, and good again at byte ${scan.strayAt}`)
    }
    return scan
  }

  /** Opens a segment to go on at `end`; what a torn write left behind it is overwritten with zeros. */
  async reopen(seq: number, end: number): Promise<LogFile> {
    const rest = this.#files.read(nameOf(seq)).subarray(end)
    const torn = rest.findLastIndex((byte) => byte !== 0) + 1
    const file = this.#files.open(nameOf(seq))
    const missing = Math.max(0, this.#segmentBytes - end - rest.byteLength)
    if (torn > 0) file.write(new Uint8Array(torn), end)
    if (missing > 0) file.write(new Uint8Array(missing), end + rest.byteLength)
    if (torn + missing > 0) await file.sync()
    return file
  }

  /** Begins the segment whose first record stands at `place`; resolves when it would survive a power cut. */
  async create(place: RecordPlace): Promise<LogFile> {
    const file = await (this.#spare ?? this.#zeros())
    this.#spare = undefined
    file.write(encodeSegmentHeader(place), 0)
    await file.sync()
    this.#files.rename(SPARE, nameOf(place.seq))
    this.#files.syncNames()
    return file
  }

  /** Starts making the next segment, so that whoever needs it need not wait. */
  prepare(): void {
    if (this.#spare !== undefined) return
    this.#spare = this.#zeros()
    // Whoever takes it hears of it.
    this.#spare.catch(() => undefined)
  }

  remove(seqs: readonly number[]): void {
    for (const seq of seqs) this.#files.remove(nameOf(seq))
    if (seqs.length > 0) this.#files.syncNames()
  }

  /** Waits for what {@link prepare} began. */
  async close(): Promise<void> {
    const spare = await this.#spare?.catch(() => undefined)
    spare?.close()
  }

  /** A file of zeros: writing records into it changes no metadata, so their sync is one write of the disk. */
  async #zeros(): Promise<LogFile> {
    this.#files.remove(SPARE)
    const file = this.#files.open(SPARE)
    const zeros = new Uint8Array(Math.min(ZEROS_BYTES, this.#segmentBytes))
    for (let at = 0; at < this.#segmentBytes; at += zeros.byteLength) {
      file.write(zeros.subarray(0, this.#segmentBytes - at), at)
      // One piece at a time: votes must not wait behind 16 MiB of zeros.
      await file.sync()
    }
    return file
  }

  #corrupt(seq: number, reason: string): ReplicaError {
    return new ReplicaError({ code: 'LOG_CORRUPT', path: this.#path, seq, reason })
  }
}

/** Room for records in a segment. */
export function segmentRoom(segmentBytes: number): number {
  return segmentBytes - SEGMENT_HEADER_BYTES
}

function nameOf(seq: number): string {
  return `${String(seq).padStart(16, '0')}.wal`
}
