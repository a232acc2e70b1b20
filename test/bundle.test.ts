import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

describe('the bundled command line', () => {
  /** A checkout with the real command and bundle, and sources that are not there: only the bundle can work. */
  let checkout: string
  let cli: string

  before(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'cairn-bundle-'))
    cli = join(checkout, 'packages', 'cli')
    await mkdir(join(cli, 'src'), { recursive: true })
    await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
    for (const path of ['bin', 'package.json']) await cp(join(root, 'packages', 'cli', path), join(cli, path), { recursive: true })
    await writeFile(join(cli, 'src', 'main.ts'), `export const main = async () => (console.log('sources'), 0)\n`)
    await run(process.execPath, [join(root, 'scripts', 'bundle.ts'), join(cli, 'dist')])
  })
  after(() => rm(checkout, { recursive: true, force: true }))

  const cairn = async (...args: readonly string[]): Promise<string> =>
    (await run(process.execPath, [join(cli, 'bin', 'cairn.js'), ...args], { cwd: checkout })).stdout

  it('runs instead of the sources, in threads too', async () => {
    const { version } = JSON.parse(await readFile(join(cli, 'package.json'), 'utf8')) as { version: string }
    assert.equal((await cairn('--version')).trim(), version)
    await mkdir(join(checkout, 'state'))
    await writeFile(join(checkout, 'state', 'file'), 'content')
    await cairn('init', 'workspace', '--ledger', 'sample')
    assert.match(await cairn('publish', 'state', '--workspace', 'workspace', '--ledger', 'sample', '--height', '1'), /published sample@1/)
  })

  it('has a file for every thread', async () => {
    const files = await readdir(join(cli, 'dist'))
    for (const thread of ['placing-worker.js', 'ingest-worker.js']) assert.ok(files.includes(thread), thread)
  })

  it('makes way for the sources as soon as one of them is younger', async () => {
    const future = new Date(Date.now() + 60_000)
    await utimes(join(cli, 'src', 'main.ts'), future, future)
    assert.equal((await cairn('--version')).trim(), 'sources')
  })
})
