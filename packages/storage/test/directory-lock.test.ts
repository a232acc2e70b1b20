import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { DirectoryLock } from '../src/directory-lock.ts'
import { StorageError } from '../src/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'

describe('DirectoryLock', () => {
  it('has one holder at a time', async () => {
    await using directory = await temporaryDirectory()
    {
      using _held = DirectoryLock.acquire(directory.path)
      assert.throws(() => DirectoryLock.acquire(directory.path), isLockedBy(process.pid))
    }
    using _again = DirectoryLock.acquire(directory.path)
  })

  it('ends with the process that holds it, however that ends, and is not fooled by a pid', async () => {
    await using directory = await temporaryDirectory()
    const module = new URL('../src/directory-lock.ts', import.meta.url)
    const script = `const { DirectoryLock } = await import('${module.href}')
      DirectoryLock.acquire(${JSON.stringify(directory.path)}); console.log('held'); setInterval(() => {}, 1e6)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    assert.throws(() => DirectoryLock.acquire(directory.path), isLockedBy(child.pid))
    child.kill('SIGKILL')
    await once(child, 'close')
    await writeFile(directory.join('lock.pid'), `${process.ppid}\n`)
    using _after = DirectoryLock.acquire(directory.path)
  })
})

function isLockedBy(pid: number | undefined): (error: unknown) => boolean {
  return (error) => error instanceof StorageError && error.fault.code === 'LOCKED' && error.fault.holder === `process ${pid}`
}
