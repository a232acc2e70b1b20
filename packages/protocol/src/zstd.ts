import { constants, type ZstdOptions } from 'node:zlib'
import { ProtocolError } from './errors.ts'

/** Level of published chunks: the last step that costs little time; zstd's own default. */
export const ZSTD_LEVEL = 3
/**
 * Match tables of 2^15 entries, 128 KiB each, where level 3 by itself would take 2^17 and 2^16: made anew for each chunk, they stay in the
 * second-level cache. Takes 13 % less time; frames of a LevelDB directory grow by 0.04 %, of source text by 0.3 %.
 */
const TABLE_LOG = 15
/** Window of the largest chunk: no frame of ours needs a decoder to keep more than 4 MiB. */
export const ZSTD_WINDOW_LOG_MAX = 22

const ZSTD_WINDOW_LOG_MIN = 10
/** zstd reads no more of a dictionary than 2^3 bytes for each slot of its tables. */
const DICTIONARY_BYTES_PER_SLOT_LOG_MAX = 3
/** Four times the slots make deltas 1 to 4 % smaller, as long as the tables stay in a cache: up to 2^18 of them, 1 MiB each. */
const DICTIONARY_BYTES_PER_SLOT_LOG = 1
const DICTIONARY_TABLE_LOG = 18

/** Options of node:zlib that make a zstd frame which {@link inspectZstd} accepts, from `plainBytes` bytes; sync and async alike. */
export function zstdCompressOptions(plainBytes: number, level: number = ZSTD_LEVEL): ZstdOptions {
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      ...(level === ZSTD_LEVEL ? { [constants.ZSTD_c_hashLog]: TABLE_LOG, [constants.ZSTD_c_chainLog]: TABLE_LOG } : {}),
      // The block's CID verifies every byte already.
      [constants.ZSTD_c_checksumFlag]: 0,
    },
    // Without it the async functions leave the content size out of the header.
    pledgedSrcSize: plainBytes,
    chunkSize: outputBytes(plainBytes),
  }
}

/**
 * {@link zstdCompressOptions} with `dictionary`, which may be larger than the window: all of it stays in reach as long as the window takes
 * the whole content.
 */
export function zstdDeltaOptions(plainBytes: number, dictionary: Uint8Array, level: number = ZSTD_LEVEL): ZstdOptions {
  const dictionaryLog = log2(dictionary.byteLength)
  const tableLog = Math.max(
    TABLE_LOG,
    Math.min(DICTIONARY_TABLE_LOG, dictionaryLog - DICTIONARY_BYTES_PER_SLOT_LOG),
    dictionaryLog - DICTIONARY_BYTES_PER_SLOT_LOG_MAX,
  )
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: Math.min(ZSTD_WINDOW_LOG_MAX, Math.max(ZSTD_WINDOW_LOG_MIN, log2(plainBytes))),
      [constants.ZSTD_c_hashLog]: tableLog,
      [constants.ZSTD_c_chainLog]: tableLog,
      [constants.ZSTD_c_checksumFlag]: 0,
    },
    dictionary,
    pledgedSrcSize: plainBytes,
    chunkSize: outputBytes(plainBytes),
  }
}

/** The least `log` with 2^log ≥ `bytes`. */
function log2(bytes: number): number {
  return bytes <= 1 ? 0 : 32 - Math.clz32(bytes - 1)
}

/** Options of node:zlib that inflate a frame which {@link inspectZstd} found to hold `plainBytes` bytes; more output is an error. */
export function zstdDecompressOptions(plainBytes: number): ZstdOptions {
  return {
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    maxOutputLength: Math.max(plainBytes, 1),
    chunkSize: outputBytes(plainBytes),
  }
}

/** One output buffer takes the whole result; 64 is the least that node:zlib allows. */
function outputBytes(plainBytes: number): number {
  return Math.max(plainBytes, 64)
}

const MAGIC = 0xfd2fb528
const SINGLE_SEGMENT = 0x20
// Dictionary id, checksum, the reserved and the unused bit.
const REFUSED_FLAGS = 0x1f
const BLOCK_RLE = 1
const BLOCK_RESERVED = 3

/**
 * The plain length that `bytes` promises, provided that `bytes` is exactly one zstd frame with a content size, without checksum and
 * dictionary, and with a window of at most 4 MiB. Reads headers only, so an inflater can be bounded before it starts.
 *
 * node:zlib would ignore whatever follows the first frame, and skip frames that hold no data: both would let a peer pad a block.
 *
 * @throws {ProtocolError} `MALFORMED`
 * @see RFC 8878 §3.1.1
 */
export function inspectZstd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Magic, descriptor, the least of window and content size, one block header.
  if (bytes.byteLength < 9) throw malformed('too short')
  if (view.getUint32(0, true) !== MAGIC) throw malformed('not a zstd frame')
  const descriptor = view.getUint8(4)
  if ((descriptor & REFUSED_FLAGS) !== 0) throw malformed('dictionary, checksum or reserved flags')

  const single = (descriptor & SINGLE_SEGMENT) !== 0
  if (!single && view.getUint8(5) > (ZSTD_WINDOW_LOG_MAX - 10) << 3) throw malformed('window above 4 MiB')
  let at = single ? 5 : 6
  let plainBytes: number
  switch (descriptor >> 6) {
    case 0:
      if (!single) throw malformed('no content size')
      plainBytes = view.getUint8(at)
      at += 1
      break
    case 1:
      plainBytes = view.getUint16(at, true) + 256
      at += 2
      break
    case 2:
      if (bytes.byteLength < at + 4) throw malformed('cut off')
      plainBytes = view.getUint32(at, true)
      at += 4
      break
    default:
      throw malformed('content size of 8 bytes')
  }

  for (let last = false; !last;) {
    if (bytes.byteLength < at + 3) throw malformed('cut off')
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const type = (header >> 1) & 3
    if (type === BLOCK_RESERVED) throw malformed('reserved block type')
    at += 3 + (type === BLOCK_RLE ? 1 : header >>> 3)
    last = (header & 1) === 1
  }
  if (at !== bytes.byteLength) throw malformed(at < bytes.byteLength ? 'followed by more bytes' : 'cut off')
  return plainBytes
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'zstd frame', reason })
}
