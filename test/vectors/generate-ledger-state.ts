// Writes ledger-state.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-ledger-state.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import {
  type Action,
  applyBlock,
  compareKeys,
  EMPTY_TREE,
  ed25519Signer,
  encodeOperation,
  encodePage,
  GENESIS_STATE,
  MemoryPages,
  proveKey,
  updateTree,
} from '@cairn/ledger'
import { xorshift } from '../../packages/protocol/test/xorshift.ts'

const LEDGER = { networkId: 'ab'.repeat(32), chainId: 7 }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

const vectors = { trees: trees(), operations: operations(), blocks: blocks() }
writeFileSync(new URL('ledger-state.json', import.meta.url), `${JSON.stringify(vectors, undefined, 2)}\n`)

/** Trees of `entries` entries: keys are the first bytes of what xorshift makes of `seed`, behind `prefix`, values the next ones. */
function trees(): object[] {
  return [
    { name: 'no entries', seed: 1, entries: 0, prefix: '', keyBytes: 8, valueBytes: 8 },
    { name: 'one page', seed: 2, entries: 10, prefix: '', keyBytes: 8, valueBytes: 100 },
    { name: 'two levels', seed: 3, entries: 400, prefix: '', keyBytes: 8, valueBytes: 100 },
    { name: 'long keys, three levels', seed: 4, entries: 400, prefix: 'cd'.repeat(200), keyBytes: 8, valueBytes: 1200 },
    { name: 'entries larger than a page', seed: 5, entries: 5, prefix: '', keyBytes: 4, valueBytes: 8000 },
  ].map((tree) => {
    const { seed, entries, prefix, keyBytes, valueBytes } = tree
    const noise = xorshift(seed, entries * (keyBytes + valueBytes))
    const changes = Array.from({ length: entries }, (_, index) => {
      const at = index * (keyBytes + valueBytes)
      const key = Buffer.concat([Buffer.from(prefix, 'hex'), noise.subarray(at, at + keyBytes)])
      return { key, value: noise.slice(at + keyBytes, at + keyBytes + valueBytes) }
    }).sort((a, b) => compareKeys(a.key, b.key))
    const { root, written } = updateTree(new MemoryPages(), EMPTY_TREE, changes)
    return { ...tree, root: hex(root.hash), pages: written.length, bytes: root.bytes }
  })
}

function actions(): Action[] {
  return [
    { type: 'put', key: text('a'), value: text('one') },
    { type: 'delete', key: text('b') },
    { type: 'compare-and-set', key: text('a'), expected: undefined, value: text('two') },
    { type: 'compare-and-set', key: text('a'), expected: '11'.repeat(32), value: undefined },
  ]
}

function operations(): object[] {
  const client = ed25519Signer(new Uint8Array(32).fill(1))
  return actions().map((action, index) => {
    const operation = { client: client.publicKey, nonce: new Uint8Array(16).fill(index), lastHeight: 1000 + index, action }
    const { id, body } = encodeOperation(LEDGER, operation, client)
    return { name: action.type, id, body: hex(body) }
  })
}

function blocks(): object {
  const pages = new MemoryPages()
  const payload = actions().map((action, index) =>
    encodeOperation(LEDGER, { client: new Uint8Array(32), nonce: new Uint8Array(16).fill(index), lastHeight: 2, action }),
  )
  let state = GENESIS_STATE
  const roots = [payload, payload, []].map((payload) => {
    const applied = applyBlock(pages, LEDGER, state, payload)
    for (const page of applied.written) pages.add(page)
    state = applied.state
    return hex(state.root.hash)
  })
  return { roots, lastPages: proveKey(pages, state.root, text('x')).map(hex), empty: hex(encodePage({ kind: 'leaf', items: [] })) }
}
