import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostPort, httpUrl, multiaddr } from '../src/values/address.ts'
import { seatChange, seatKey } from '../src/values/committee.ts'
import { duration, DURATION_MS_MAX, integer, rate, size } from '../src/values/number.ts'
import { oneOf, text, type ValueParser } from '../src/values/parser.ts'
import { channelName, ledgerName, networkName, release } from '../src/values/release.ts'

const PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

describe('values', () => {
  accepts('size', size, [
    ['1', 1],
    ['20GiB', 20 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['10MB', 10_000_000],
    ['1.5KiB', 1536],
    ['64 KiB', 65_536],
  ])
  refuses('size', size, ['', '0', '-1', '20G', '20gib', '1e9', '0x10', 'GiB', '1.5.5MB', '99999TiB', '0.1B', '1constructor'])

  const key = { peer: PEER, publicKey: new Uint8Array(32).fill(0xab) }
  const keyText = `${PEER}/${'ab'.repeat(32)}`
  accepts('key of a seat', seatKey, [[keyText, key]])
  refuses('key of a seat', seatKey, [
    '',
    PEER,
    `${PEER}/`,
    `/${'ab'.repeat(32)}`,
    `${keyText}a`,
    keyText.slice(0, -1),
    `${PEER}/${'AB'.repeat(32)}`,
  ])
  accepts('change of a seat', seatChange, [[`12=${keyText}`, { seat: 12, ...key }]])
  refuses('change of a seat', seatChange, [
    '',
    keyText,
    `=${keyText}`,
    `-1=${keyText}`,
    `01=${keyText}`,
    `100=${keyText}`,
    '2=',
    `2=${PEER}`,
  ])

  accepts('rate', rate, [
    ['10MiB/s', 10 * 2 ** 20],
    ['500 kB/s', 500_000],
  ])
  refuses('rate', rate, ['', '/s', '0/s', '10MiB', '10Mbit/s', '10MiB/min'])

  accepts('duration', duration, [
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    [`${DURATION_MS_MAX}ms`, DURATION_MS_MAX],
  ])
  refuses('duration', duration, ['', '30', '0s', '30 sec', '25d', '1h30m', '-5s'])

  accepts('integer', integer(0, 1), [
    ['0', 0],
    ['1200', 1200],
    [String(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
  ])
  refuses('integer', integer(0, 1), ['', '-1', '01', '1.0', '1e3', '9007199254740992', ' 1'])
  refuses('positive integer', integer(1, 1), ['0'])

  accepts('address', hostPort, [['127.0.0.1:0', { host: '127.0.0.1', port: 0 }]])
  refuses('address', hostPort, ['localhost', '1:2:3'])

  accepts('URL', httpUrl, [
    ['9000', 'http://127.0.0.1:9000'],
    ['[::1]:9000', 'http://[::1]:9000'],
    ['http://cache.example.org:9000/', 'http://cache.example.org:9000'],
    ['https://cache.example.org', 'https://cache.example.org'],
  ])
  refuses('URL', httpUrl, ['127.0.0.1:0', 'ftp://host:1', 'http://host/status', 'http://user@host', 'http://', 'host'])

  for (const address of [
    '/ip4/127.0.0.1/tcp/0',
    '/ip6/::1/tcp/4001',
    '/dns4/cache.example.org/tcp/443',
    `/ip4/1.2.3.4/tcp/4001/p2p/${PEER}`,
  ]) {
    accepts('multiaddr', multiaddr, [[address, address]])
  }
  refuses('multiaddr', multiaddr, [
    '127.0.0.1:4001',
    '/ip4/256.1.1.1/tcp/1',
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/tcp/65536',
    '/ip4/1.2.3.4/udp/1',
  ])
  refuses('multiaddr', multiaddr, ['/ip6/1.2.3.4/tcp/1', '/dns4//tcp/1', '/constructor/x/tcp/1', '/ip4/1.2.3.4/tcp/1/p2p/nobody'])

  accepts('release', release, [
    ['mainnet', { ledger: 'mainnet' }],
    ['mainnet@1200', { ledger: 'mainnet', height: 1200 }],
    ['mainnet@canary', { ledger: 'mainnet', channel: 'canary' }],
  ])
  refuses('release', release, ['', 'Mainnet', 'mainnet@', '@1', 'a@b@c', 'root', '../x'])
  refuses('ledger', ledgerName, ['targets', 'a.b', 'x'.repeat(65)])
  refuses('channel', channelName, ['1', 'a/b'])
  refuses('network', networkName, ['', 'Main', 'a/b'])

  accepts('word', oneOf('copy', 'reference'), [['copy', 'copy']])
  refuses('word', oneOf('copy', 'reference'), ['Copy', ''])
  refuses('text', text('a file'), ['', 'a\0b'])
})

function accepts<T>(name: string, parser: ValueParser<T>, cases: readonly (readonly [string, T])[]): void {
  for (const [given, wanted] of cases) it(`${name}: reads "${given}"`, () => assert.deepEqual(parser.read(given), wanted))
}

function refuses(name: string, parser: ValueParser<unknown>, cases: readonly string[]): void {
  for (const given of cases) it(`${name}: refuses "${given.slice(0, 40)}"`, () => assert.equal(parser.read(given), undefined))
}
