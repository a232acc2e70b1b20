import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readTrustRoot } from '../src/trust-root.ts'

const DIGEST = 'ab'.repeat(32)
const ROOT = { networkId: DIGEST, chainId: 1, epoch: 0, committee: DIGEST, checkpoint: DIGEST, notAfter: 1_900_000_000_000 }

describe("a ledger's trust root", () => {
  it('is read from its file', async () => {
    assert.deepEqual(await read(JSON.stringify({ ...ROOT, note: 'kept by whoever wrote it' })), ROOT)
  })

  const { notAfter: _, ...endless } = ROOT
  const refused: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['no JSON', '{', /is no trust root: it is not JSON$/],
    ['nothing', 'null', /is no trust root: it: /],
    ['one without an end', JSON.stringify(endless), /is no trust root: notAfter: /],
    ['one whose end is a text', JSON.stringify({ ...ROOT, notAfter: '2099' }), /is no trust root: notAfter: /],
    ['one of no committee', JSON.stringify({ ...ROOT, committee: 'x' }), /is no trust root: committee: is not 64 /],
  ]
  for (const [what, text, message] of refused) {
    it(`is not ${what}`, async () => {
      await assert.rejects(read(text), { name: 'UsageError', message })
    })
  }

  it('is not a file that is missing', () => {
    assert.throws(() => readTrustRoot('/nowhere/trust.json'), { name: 'UsageError', message: /there is no such file/ })
  })
})

async function read(text: string): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), 'cairn-root-'))
  try {
    const path = join(home, 'trust.json')
    await writeFile(path, text)
    return readTrustRoot(path)
  } finally {
    await rm(home, { recursive: true })
  }
}
