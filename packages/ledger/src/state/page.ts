import { sha256 } from '@cairn/protocol'
import { LedgerError } from '../errors.ts'
import { compareKeys } from './keys.ts'
import { KEY_BYTES_MAX, PAGE_BYTES_MAX, PAGE_WEIGHT_MAX, VALUE_BYTES_MAX } from './limits.ts'

/** A key and its value. */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What an index page, or a state root's owner, knows of a page without reading it. */
export interface PageRef {
  /** The first key below the page. */
  readonly key: Uint8Array
  /** SHA-256 of the page's bytes: 32 bytes. */
  readonly hash: Uint8Array
  readonly kind: Page['kind']
  /** Entries below the page. */
  readonly entries: number
  /** Bytes of these entries, see {@link entryWeight}. */
  readonly bytes: number
  /** Bytes of the page's own items. */
  readonly weight: number
}

/** A node of the state tree, as it is stored, hashed and sent. */
export type Page =
  | { readonly kind: 'leaf'; readonly items: readonly Entry[] }
  | { readonly kind: 'index'; readonly items: readonly PageRef[] }

/** A page that an update made. */
export interface WrittenPage {
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
  /** What {@link bytes} decode to, for whoever keeps decoded pages. */
  readonly page: Page
}

/** The name and version of the format. A hash of a page is a hash of nothing else, because only pages begin with this. */
const MAGIC = Buffer.from('cairnst\x01', 'latin1')
const KIND_LEAF = 0
const KIND_INDEX = 1
const HEAD_BYTES = MAGIC.byteLength + 3
const HASH_BYTES = 32
const REF_FIXED_BYTES = 2 + 1 + HASH_BYTES + 6 + 6 + 4
const ENTRY_FIXED_BYTES = 2 + 4

/** Bytes that an entry takes in a page. */
export function entryWeight({ key, value }: Entry): number {
  return ENTRY_FIXED_BYTES + key.byteLength + value.byteLength
}

/** Bytes that a reference takes in a page. */
export function refWeight(key: Uint8Array): number {
  return REF_FIXED_BYTES + key.byteLength
}

/** The page of the empty state. */
export const EMPTY_PAGE: Page = { kind: 'leaf', items: [] }

/** A page in its one form, `magic 8 | kind u8 | count u16 | items`, numbers big-endian; see `state.md` of the format pages. */
export function encodePage(page: Page): Uint8Array {
  const weight =
    page.kind === 'leaf'
      ? page.items.reduce((sum, item) => sum + entryWeight(item), 0)
      : page.items.reduce((sum, { key }) => sum + refWeight(key), 0)
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + weight)
  bytes.set(MAGIC)
  bytes.writeUInt8(page.kind === 'leaf' ? KIND_LEAF : KIND_INDEX, MAGIC.byteLength)
  bytes.writeUInt16BE(page.items.length, MAGIC.byteLength + 1)
  if (page.kind === 'leaf') writeEntries(bytes, page.items)
  else writeRefs(bytes, page.items)
  return bytes
}

function writeEntries(bytes: Buffer, entries: readonly Entry[]): void {
  let at = HEAD_BYTES
  for (const { key, value } of entries) {
    at = bytes.writeUInt16BE(key.byteLength, at)
    bytes.set(key, at)
    at = bytes.writeUInt32BE(value.byteLength, at + key.byteLength)
    bytes.set(value, at)
    at += value.byteLength
  }
}

function writeRefs(bytes: Buffer, refs: readonly PageRef[]): void {
  let at = HEAD_BYTES
  for (const ref of refs) {
    at = bytes.writeUInt16BE(ref.key.byteLength, at)
    bytes.set(ref.key, at)
    at = bytes.writeUInt8(ref.kind === 'leaf' ? KIND_LEAF : KIND_INDEX, at + ref.key.byteLength)
    bytes.set(ref.hash, at)
    at = bytes.writeUIntBE(ref.entries, at + HASH_BYTES, 6)
    at = bytes.writeUIntBE(ref.bytes, at, 6)
    at = bytes.writeUInt32BE(ref.weight, at)
  }
}

/**
 * Reads the bytes of a page, which may come from anyone; that they are the right ones only {@link pageHash} tells.
 *
 * @throws {LedgerError} `TOO_LARGE`, or `MALFORMED` for whatever {@link encodePage} would write differently, for
 *   keys that do not ascend, and for a page that holds more than a page may
 */
export function decodePage(bytes: Uint8Array): Page {
  if (bytes.byteLength > PAGE_BYTES_MAX) {
    throw new LedgerError({ code: 'TOO_LARGE', what: 'bytes of a state page', value: bytes.byteLength, max: PAGE_BYTES_MAX })
  }
  const reader = new PageReader(bytes)
  if (Buffer.compare(reader.take(MAGIC.byteLength), MAGIC) !== 0) throw malformed('not a state page of version 1')
  const kind = reader.number(1)
  if (kind !== KIND_LEAF && kind !== KIND_INDEX) throw malformed(`kind ${kind}`)
  const count = reader.number(2)
  const page: Page =
    kind === KIND_LEAF ? { kind: 'leaf', items: reader.list(count, readEntry) } : { kind: 'index', items: reader.list(count, readRef) }
  if (reader.left !== 0) throw malformed(`${reader.left} bytes after its items`)
  if (page.kind === 'index' && count < 2) throw malformed('an index of fewer than two pages')
  if (count > 1 && bytes.byteLength - HEAD_BYTES > PAGE_WEIGHT_MAX) throw malformed('more items than fit')
  for (let index = 1; index < count; index++) {
    const [before, item] = [page.items[index - 1], page.items[index]]
    if (before === undefined || item === undefined || compareKeys(before.key, item.key) >= 0) throw malformed('keys do not ascend')
  }
  return page
}

/** What names the page with these bytes; the state root if it is the root's. */
export function pageHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes)
}

function readEntry(reader: PageReader): Entry {
  const key = readKey(reader)
  const valueBytes = reader.number(4)
  if (valueBytes > VALUE_BYTES_MAX) throw malformed(`a value of ${valueBytes} bytes`)
  return { key, value: reader.take(valueBytes) }
}

function readRef(reader: PageReader): PageRef {
  const key = readKey(reader)
  const kind = reader.number(1)
  if (kind !== KIND_LEAF && kind !== KIND_INDEX) throw malformed(`a reference to kind ${kind}`)
  const hash = reader.take(HASH_BYTES)
  const [entries, bytes, weight] = [reader.number(6), reader.number(6), reader.number(4)]
  return { key, hash, kind: kind === KIND_LEAF ? 'leaf' : 'index', entries, bytes, weight }
}

function readKey(reader: PageReader): Uint8Array {
  const keyBytes = reader.number(2)
  if (keyBytes > KEY_BYTES_MAX) throw malformed(`a key of ${keyBytes} bytes`)
  return reader.take(keyBytes)
}

/** Reads forward, and never past the end. */
class PageReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at
  }

  number(bytes: number): number {
    this.#check(bytes)
    this.#at += bytes
    return this.#bytes.readUIntBE(this.#at - bytes, bytes)
  }

  take(bytes: number): Uint8Array {
    this.#check(bytes)
    this.#at += bytes
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at - bytes, bytes)
  }

  list<Item>(count: number, read: (reader: PageReader) => Item): readonly Item[] {
    // Not allocated up front: each item takes bytes, and those have been bounded.
    const items: Item[] = []
    while (items.length < count) items.push(read(this))
    return items
  }

  #check(bytes: number): void {
    if (bytes > this.left) throw malformed('cut off')
  }
}

function malformed(reason: string): LedgerError {
  return new LedgerError({ code: 'MALFORMED', what: 'state page', reason })
}
