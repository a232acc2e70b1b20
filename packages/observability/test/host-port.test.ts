import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { formatHostPort, ObservabilityError, parseHostPort } from '../src/index.ts'

describe('host and port', () => {
  const accepted: [text: string, host: string, port: number][] = [
    ['127.0.0.1:0', '127.0.0.1', 0],
    [':9000', '127.0.0.1', 9000],
    ['9000', '127.0.0.1', 9000],
    ['[::1]:80', '::1', 80],
    ['[::]:80', '::', 80],
    ['0.0.0.0:65535', '0.0.0.0', 65535],
    ['localhost:1', 'localhost', 1],
    ['cache-1.example.org:443', 'cache-1.example.org', 443],
  ]
  for (const [text, host, port] of accepted) {
    it(`reads ${text}`, () => assert.deepEqual(parseHostPort(text), { host, port }))
  }

  const refused = ['', ':', 'localhost', '127.0.0.1', '::1', '::1:80', '[::1]', '[127.0.0.1]:80', '1.2.3:80', '256.0.0.1:80']
  for (const text of [...refused, 'a b:80', '-a:80', 'host:65536', 'host:-1', 'host:1e3', 'http://host:80', 'host:80/']) {
    it(`refuses "${text}"`, () => {
      assert.throws(
        () => parseHostPort(text),
        (error) => error instanceof ObservabilityError && error.fault.code === 'BAD_ADDRESS' && error.fault.text === text,
      )
    })
  }

  it('reads back what it formats', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.nat(65535), (host, port) => {
        assert.deepEqual(parseHostPort(formatHostPort({ host, port })), { host, port })
      }),
    )
  })
})
