// Writes exchange.json, control.json and announcements.json beside this file.
// Run it by hand, and only to approve a new wire format: `node test/vectors/generate-messages.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import {
  type AvailabilityAnnouncement,
  chunkCid,
  CID,
  type ControlMessage,
  encodeAvailability,
  encodeControl,
  encodeDeltaSizes,
  encodeExchange,
  encodeHeads,
  type ExchangeMessage,
  type HeadsAnnouncement,
  pageCid,
  sha256,
} from '@cairn/protocol'

/** Bytes that a decoder must refuse, and with which fault. */
type Refused = readonly [name: string, code: string, hex: string]

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const chunkA = chunkCid(sha256(text('a')))
const chunkB = chunkCid(sha256(text('b')))
const page = pageCid(text('page'))
const pageB = pageCid(text('another page'))

const hexA = Buffer.from(chunkA.bytes).toString('hex')

const exchange: Record<string, ExchangeMessage> = {
  'want of one chunk': { type: 'want', id: 0, deadlineMs: 1, cids: [chunkA] },
  'want of two chunks and a page': { type: 'want', id: 0xffff_ffff, deadlineMs: 600_000, cids: [chunkB, chunkA, page] },
  'cancel of one block': { type: 'cancel', id: 7, position: 63 },
  'cancel of a request': { type: 'cancel', id: 7, position: 'all' },
  'data, a whole frame': { type: 'data', id: 7, position: 0, offset: 0, total: 5, slice: text('cairn') },
  'data, the last slice of the largest frame': { type: 'data', id: 7, position: 1, offset: 4_194_302, total: 4_194_305, slice: text('end') },
  'refuse of one block': { type: 'refuse', id: 7, position: 2, code: 'NOT_FOUND' },
  'refuse, busy': { type: 'refuse', id: 7, position: 'all', code: 'BUSY' },
  'refuse, too many': { type: 'refuse', id: 7, position: 'all', code: 'TOO_MANY' },
  'refuse, internal': { type: 'refuse', id: 7, position: 3, code: 'INTERNAL' },
  'basis of nothing': { type: 'basis', snapshots: [] },
  'basis of two snapshots': { type: 'basis', snapshots: [page, pageB] },
  'refuse, cancelled': { type: 'refuse', id: 7, position: 'all', code: 'CANCELLED' },
}
const exchangeRefused: readonly Refused[] = [
  ['empty', 'MALFORMED', ''],
  ['unknown type', 'MALFORMED', '060000000000'],
  ['basis, cut off', 'MALFORMED', '05'],
  ['basis, one byte short', 'MALFORMED', `0501${Buffer.from(page.bytes).toString('hex').slice(0, -2)}`],
  ['basis, one byte long', 'MALFORMED', '050000'],
  ['basis of five snapshots', 'TOO_LARGE', '0505'],
  ['basis of a chunk', 'MALFORMED', `0501${hexA}`],
  ['basis, the same snapshot twice', 'MALFORMED', `0502${Buffer.from(page.bytes).toString('hex').repeat(2)}`],
  ['want of nothing', 'MALFORMED', '01000000000000000100'],
  ['want without a deadline', 'MALFORMED', `01000000000000000001${hexA}`],
  ['want, deadline above ten minutes', 'TOO_LARGE', `0100000000000927c101${hexA}`],
  ['want of 65 chunks', 'TOO_LARGE', '01000000000000000141'],
  ['want, one byte short', 'MALFORMED', `01000000000000000101${hexA.slice(0, -2)}`],
  ['want, one byte long', 'MALFORMED', `01000000000000000101${hexA}00`],
  ['want, the same chunk twice', 'MALFORMED', `01000000000000000102${hexA}${hexA}`],
  ['want of a CID with another hash', 'BAD_CID', `01000000000000000101015513${hexA.slice(6)}`],
  ['cancel, position 64', 'MALFORMED', '020000000740'],
  ['cancel, trailing byte', 'MALFORMED', '02000000070000'],
  ['data, empty slice', 'MALFORMED', '0300000007000000000000000005'],
  ['data of a whole request', 'MALFORMED', '0300000007ff000000000000000161'],
  ['data, slice beyond its frame', 'MALFORMED', '03000000070000000004000000056162'],
  ['data, offset at the end of its frame', 'TOO_LARGE', '030000000700000000050000000561'],
  ['data, frame above the bound', 'TOO_LARGE', '030000000700000000000040000261'],
  ['data of a frame of no bytes', 'MALFORMED', '030000000700000000000000000061'],
  ['refuse, code 0', 'MALFORMED', '04000000070000'],
  ['refuse, code 6', 'MALFORMED', '04000000070006'],
]

const control: Record<string, ControlMessage> = {
  metadata: { type: 'metadata', id: 1, file: 'timestamp.json' },
  'metadata of a numbered root': { type: 'metadata', id: 4_294_967_295, file: '3.root.json' },
  'metadata-reply': { type: 'metadata-reply', id: 1, bytes: text('{}') },
  'metadata-reply of no such file': { type: 'metadata-reply', id: 1, bytes: null },
  have: { type: 'have', id: 2, snapshot: page },
  'have-reply, none': { type: 'have-reply', id: 2, state: 'none' },
  'have-reply, partial': { type: 'have-reply', id: 2, state: 'partial', bitmap: Uint8Array.of(0x10, 0b0101) },
  'have-reply, complete': { type: 'have-reply', id: 2, state: 'complete' },
  'have-reply, last resort': { type: 'have-reply', id: 2, state: 'complete', lastResort: true },
  subscribe: { type: 'subscribe', snapshot: page },
  unsubscribe: { type: 'unsubscribe', snapshot: page },
  'have-update': { type: 'have-update', snapshot: page, chunks: [0, 1, 255, 65_536, 16_777_215] },
  peers: { type: 'peers', id: 3, snapshot: page },
  'peers-reply': { type: 'peers-reply', id: 3, addresses: ['/ip4/127.0.0.1/tcp/4001', '/dns4/cache.example/tcp/443/tls/ws'] },
  'peers-reply of nobody': { type: 'peers-reply', id: 3, addresses: [] },
  deltas: { type: 'deltas', id: 4, snapshot: page, from: pageB },
  'deltas-reply, none': { type: 'deltas-reply', id: 4, state: 'none' },
  'deltas-reply, preparing': { type: 'deltas-reply', id: 4, state: 'preparing' },
  'deltas-reply, ready, too many to list': { type: 'deltas-reply', id: 4, state: 'ready' },
  'deltas-reply, ready': {
    type: 'deltas-reply',
    id: 4,
    state: 'ready',
    sizes: encodeDeltaSizes(
      new Map([
        [0, 35],
        [1, 4_194_305],
        [16_777_215, 127],
      ]),
    )!,
  },
  'error, busy': { type: 'error', id: 3, code: 'BUSY', retryAfterMs: 1500 },
  'error, too many': { type: 'error', id: 3, code: 'TOO_MANY', retryAfterMs: 0 },
  'error, internal': { type: 'error', id: 3, code: 'INTERNAL', retryAfterMs: 600_000 },
}
const hex = (value: string): string => Buffer.from(value).toString('hex')
const controlRefused: readonly Refused[] = [
  ['empty', 'MALFORMED', ''],
  ['not a map', 'MALFORMED', '80'],
  ['trailing byte', 'MALFORMED', `a3626964016466696c656e${hex('timestamp.json')}6474797065686d6574616461746100`],
  ['unsorted keys', 'MALFORMED', `a3647479706568${hex('metadata')}626964016466696c656e${hex('timestamp.json')}`],
  ['id written as two bytes', 'MALFORMED', `a362696418016466696c656e${hex('timestamp.json')}647479706568${hex('metadata')}`],
  ['id written as a float', 'MALFORMED', `a3626964fb3ff00000000000006466696c656e${hex('timestamp.json')}647479706568${hex('metadata')}`],
  ['id above 32 bits', 'TOO_LARGE', `a36269641b00000001000000006466696c656e${hex('timestamp.json')}647479706568${hex('metadata')}`],
  ['file outside of the metadata', 'MALFORMED', `a3626964016466696c656c${hex('../root.json')}647479706568${hex('metadata')}`],
  ['map of indefinite length', 'MALFORMED', 'bfff'],
  ['list of 2^32 items', 'TOO_LARGE', '9b0000000100000000'],
  ['two thousand nested lists', 'TOO_LARGE', '81'.repeat(2000)],
]

const heads: Record<string, HeadsAnnouncement> = {
  heads: { v: 1, ledger: 'main', timestamp: text('{"signed":{}}') },
}
const availability: Record<string, AvailabilityAnnouncement> = {
  'availability, complete': {
    v: 1,
    snapshot: page,
    coverage: 'complete',
    region: 'eu-west',
    load: 35,
    expiresAt: 1_900_000_000_000,
    addresses: ['/ip4/127.0.0.1/tcp/4001'],
  },
  'availability, coarse, telling nothing else': {
    v: 1,
    snapshot: page,
    coverage: Uint8Array.of(0xff, 0x01),
    region: '',
    load: 0,
    expiresAt: 0,
    addresses: [],
  },
}
const headsRefused: readonly Refused[] = [
  ['heads, empty', 'MALFORMED', ''],
  ['heads, version 2', 'UNSUPPORTED_VERSION', `a3617602666c656467657264${hex('main')}6974696d657374616d70417b`],
  ['heads, empty timestamp', 'MALFORMED', `a3617601666c656467657264${hex('main')}6974696d657374616d7040`],
  ['heads, ledger in capitals', 'MALFORMED', `a3617601666c656467657264${hex('MAIN')}6974696d657374616d70417b`],
]
const hexPage = Buffer.from(page.bytes).toString('hex')
const tail = `69${hex('addresses')}8069${hex('expiresAt')}00`
const availabilityOf = (load: string, region: string, link: string, tail: string): string =>
  `a761760164${hex('load')}${load}66${hex('region')}62${hex(region)}68${hex('coverage')}68${hex('complete')}68${hex('snapshot')}${link}${tail}`
const link = `d82a582500${hexPage}`
const otherHash = link.replace('01711220', '01711320')
const availabilityRefused: readonly Refused[] = [
  ['availability, load of 101', 'TOO_LARGE', availabilityOf('1865', 'eu', link, tail)],
  ['availability, region in capitals', 'MALFORMED', availabilityOf('00', 'EU', link, tail)],
  ['availability of a CID with another hash', 'BAD_CID', availabilityOf('00', 'eu', otherHash, tail)],
  ['availability, unsorted keys', 'MALFORMED', availabilityOf('00', 'eu', link, `69${hex('expiresAt')}0069${hex('addresses')}80`)],
]

write('exchange', encoded(exchange, encodeExchange), exchangeRefused)
write('control', encoded(control, encodeControl), controlRefused)
write(
  'announcements',
  [...encoded(heads, encodeHeads), ...encoded(availability, encodeAvailability)],
  [...headsRefused, ...availabilityRefused],
)

function encoded<Message>(messages: Record<string, Message>, encode: (message: Message) => Uint8Array): object[] {
  return Object.entries(messages).map(([name, message]) => ({
    name,
    message: dagJson(message),
    hex: Buffer.from(encode(message)).toString('hex'),
  }))
}

function write(format: string, accepted: readonly object[], refused: readonly Refused[]): void {
  const cases = refused.map(([name, code, bytes]) => ({ name, code, hex: bytes }))
  writeFileSync(new URL(`${format}.json`, import.meta.url), `${JSON.stringify({ accepted, refused: cases }, undefined, 2)}\n`)
}

/** Links and bytes as DAG-JSON writes them: `{"/": "bafy…"}` and `{"/": {"bytes": base64}}`. */
function dagJson(value: unknown): unknown {
  if (value instanceof CID) return { '/': value.toString() }
  if (value instanceof Uint8Array) return { '/': { bytes: Buffer.from(value).toString('base64').replaceAll('=', '') } }
  if (Array.isArray(value)) return value.map(dagJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, dagJson(field)]))
}
