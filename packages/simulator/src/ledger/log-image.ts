import { encodeLogRecord, type LogRecord } from '@cairn/ledger'
import { encodeRecord, encodeSegmentHeader, type RecordPlace, scanSegment } from '@cairn/replica/log'
import type { Dice } from '../kernel/dice.ts'

/** What one sync made durable. */
export type Frame = readonly LogRecord[]

/** What a disk does to what it had acknowledged. */
export const LATENT_FAULTS = ['flipped', 'misdirected', 'stale', 'lost', 'decayed'] as const
export type LatentFault = (typeof LATENT_FAULTS)[number]

/** Smaller than any disk's, so that small records tear too. */
const SECTOR_BYTES = 32

/** What the log's own reader finds in an image. */
export interface Reading {
  /** Frames from the first one on that it takes for good. */
  readonly whole: number
  /** Whether a good frame stands behind what is not. */
  readonly isBroken: boolean
}

/** Some frames in a row as they stand on the platter, in the replica's own format: what is done to them is done to bytes. */
export class LogImage {
  readonly #place: RecordPlace
  readonly #bytes: Buffer
  /** Of each frame, and of what is behind the last. */
  readonly #starts: number[] = []

  constructor(frames: readonly Frame[], firstSeq: number, salt: number) {
    this.#place = { salt, seq: firstSeq, prevCrc: 0 }
    const parts = [encodeSegmentHeader(this.#place)]
    let next = this.#place
    let end = parts[0]!.byteLength
    for (const frame of frames) {
      const { bytes, crc } = encodeRecord(next, frame.map(encodeLogRecord))
      parts.push(bytes)
      this.#starts.push(end)
      end += bytes.byteLength
      next = { salt, seq: next.seq + 1, prevCrc: crc }
    }
    this.#starts.push(end)
    this.#bytes = Buffer.concat(parts)
  }

  /** Of frame `index` an arbitrary part reaches the platter, but not all of it. */
  tear(index: number, dice: Dice): void {
    const frame = this.#frame(index)
    const sectors = Math.ceil(frame.byteLength / SECTOR_BYTES)
    const missing = dice.below(sectors)
    for (let sector = 0; sector < sectors; sector++) {
      if (sector === missing || dice.chance(500)) frame.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES).fill(0)
    }
  }

  /** Does `fault` to frame `index`; returns whether that changed it, for zeros may be lost without a loss. */
  spoil(index: number, fault: LatentFault, dice: Dice): boolean {
    const before = Buffer.from(this.#frame(index))
    this.#spoil(index, fault, dice)
    return !before.equals(this.#frame(index))
  }

  read(): Reading {
    const { records, strayAt } = scanSegment(this.#bytes, this.#place)
    return { whole: records.length, isBroken: strayAt !== undefined }
  }

  #spoil(index: number, fault: LatentFault, dice: Dice): void {
    const frame = this.#frame(index)
    switch (fault) {
      case 'flipped':
        frame[dice.below(frame.byteLength)]! ^= 1 << dice.below(8)
        return
      case 'misdirected': {
        // The next frame went here, and its own place keeps its zeros; at the end of the log an earlier one was written once more.
        const isLast = index + 2 === this.#starts.length
        if (isLast) return this.#overwrite(index, index - 1)
        const meant = Buffer.from(this.#frame(index + 1))
        this.#frame(index + 1).fill(0)
        this.#bytes.set(meant, this.#starts[index])
        return
      }
      case 'stale':
        return this.#overwrite(index, index - 1)
      case 'lost':
        frame.fill(0)
        return
      case 'decayed':
        return this.tear(index, dice)
      default:
        fault satisfies never
    }
  }

  /** Puts what stands at `from` where `index` was, or zeros if there is nothing. */
  #overwrite(index: number, from: number): void {
    const frame = this.#frame(index)
    const written = from < 0 ? Buffer.alloc(0) : Buffer.from(this.#frame(from))
    frame.fill(0)
    frame.set(written.subarray(0, frame.byteLength))
  }

  #frame(index: number): Buffer {
    return this.#bytes.subarray(this.#starts[index], this.#starts[index + 1])
  }
}
