import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { availabilityTopic, headsTopic, isAddressText, isMetadataFile, isName, isRegion } from '../../src/messages/index.ts'
import { hasFault } from './faults.ts'

describe('names', () => {
  it('are short, lower case and free of separators', () => {
    for (const name of ['a', '0', 'main', 'test-net-2', 'x'.repeat(64)]) assert(isName(name), name)
    for (const name of ['', '-a', 'A', 'a.b', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(65)]) assert(!isName(name), name)
  })

  it('make topics', () => {
    assert.equal(headsTopic('demo', 'main'), '/cairn/1/demo/heads/main')
    assert.equal(availabilityTopic('demo', 'main'), '/cairn/1/demo/availability/main')
    assert.throws(() => headsTopic('demo', 'main/heads'), hasFault('MALFORMED'))
    assert.throws(() => availabilityTopic('', 'main'), hasFault('MALFORMED'))
  })

  it('of regions may be empty', () => {
    for (const region of ['', 'eu-west', '1', 'r'.repeat(32)]) assert(isRegion(region), region)
    for (const region of ['EU', 'eu west', 'r'.repeat(33)]) assert(!isRegion(region), region)
  })

  it('of metadata files cannot leave their folder', () => {
    for (const file of ['timestamp.json', '3.root.json', 'main-net.json', '1234567890.root.json']) assert(isMetadataFile(file), file)
    for (const file of ['', '.json', '../root.json', 'a/root.json', 'a\\root.json', 'Root.json', 'root.json\n', 'root.js', '-root.json']) {
      assert(!isMetadataFile(file), file)
    }
  })
})

describe('address text', () => {
  it('is printable ASCII after a slash, within its bound', () => {
    assert(isAddressText('/ip4/127.0.0.1/tcp/4001', 23))
    assert(!isAddressText('/ip4/127.0.0.1/tcp/4001', 22))
    for (const text of ['', '/', 'ip4/1.2.3.4', '/ip4/1.2.3.4 ', '/ip4\n', '/é']) assert(!isAddressText(text, 100), text)
  })
})
