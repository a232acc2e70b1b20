import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { comparePaths } from '@cairn/protocol'
import { walkTree } from '../src/index.ts'
import { writeSample } from '../src/testing/index.ts'
import { faultOf } from './fault.ts'
import { oddTree } from './place/trees.ts'
import { temporaryDirectory } from './temporary-directory.ts'

describe('walkTree', () => {
  it('lists directories, files and links, and does not follow links', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const expected = oddTree.map((entry) => {
      if (entry.type === 'symlink') return { type: entry.type, path: entry.path, target: entry.target }
      if (entry.type === 'directory') return { type: entry.type, path: entry.path, mode: entry.mode }
      return { type: entry.type, path: entry.path, mode: entry.mode, bytes: entry.content.byteLength }
    })
    assert.deepEqual(
      await collect(walkTree(directory.path)),
      expected.toSorted((a, b) => comparePaths(a.path, b.path)),
    )
  })

  it('ascends by whole paths, bytewise', async () => {
    await using directory = await temporaryDirectory()
    for (const name of ['a', 'a/b', 'a/b/z', 'B', '\u{10000}', '\u{e000}']) await mkdir(directory.join(name))
    for (const name of ['a-b', 'a.txt', 'a0', 'a/b.c', 'a/b-', 'A']) await writeFile(directory.join(name), '')
    const paths = (await collect(walkTree(directory.path))).map(({ path }) => path)
    assert.deepEqual(paths, ['A', 'B', 'a', 'a-b', 'a.txt', 'a/b', 'a/b-', 'a/b.c', 'a/b/z', 'a0', '\u{e000}', '\u{10000}'])
  })

  it('takes a root that is a link, and an empty one', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(directory.join('empty'))
    await symlink('empty', directory.join('link'))
    assert.deepEqual(await collect(walkTree(directory.join('link'))), [])
  })

  it('refuses what a snapshot cannot hold, with its path', async () => {
    const refused = async (make: (root: string) => Promise<unknown> | void, pattern: RegExp, kind: RegExp): Promise<void> => {
      await using tree = await temporaryDirectory()
      await make(tree.path)
      const fault = await faultOf(collect(walkTree(tree.path)), 'UNSUPPORTED_FILE')
      assert.match(fault.path, pattern)
      assert.match(fault.kind, kind)
    }
    const server = createServer()
    await refused((root) => new Promise<void>((resolve) => server.listen(`${root}/socket`, resolve)), /\/socket$/, /^socket$/)
    server.close()
    await refused((root) => void execFileSync('mkfifo', [`${root}/pipe`]), /\/pipe$/, /^named pipe$/)
    await refused((root) => mkdir(`${root}/.cairn/deep`, { recursive: true }), /\/\.cairn$/, /Cairn/)
    await refused((root) => writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]), ''), /\ufffd$/, /UTF-8/)
    await refused((root) => symlink(Buffer.of(0x61, 0xfe), `${root}/link`), /\/link$/, /UTF-8/)
  })

  it('takes .cairn below the top', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(directory.join('a', '.cairn'), { recursive: true })
    assert.equal((await collect(walkTree(directory.path))).length, 2)
  })

  it('reports a root that is not there', async () => {
    const fault = await faultOf(collect(walkTree('/nonexistent/cairn')), 'IO_FAILED')
    assert.match(fault.path, /nonexistent/)
  })
})

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
