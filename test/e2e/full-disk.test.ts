// Goal: a full disk ends a command with one sentence and loses nothing: with room again, it goes on where it stopped.
// Method: a file system of a few MiB in memory. Mounting one takes root.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { generateFlatFile } from '../datasets/index.ts'
import { assertFails } from './failures.ts'
import { Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const MIB = 1024 ** 2
const SNAPSHOT_BYTES = 24 * MIB

const skip = canMount() ? false : 'mounting a tmpfs is not permitted here'

describe('a full disk', { skip, concurrency: 2 }, () => {
  let data: Scene
  let workspace: string
  before(async () => {
    data = await Scene.create()
    await mkdir(data.path('state'))
    await generateFlatFile({ path: data.path('state', 'file'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1, insertions: 0 })
    workspace = await data.init()
    await data.publish(workspace, data.path('state'), 1)
  })
  after(() => data[Symbol.asyncDispose]())

  it('refuses a join that cannot fit before it fetches anything, and lets it go on with more room', async () => {
    await using scene = await Scene.create()
    using disk = await SmallDisk.mount(scene.path('disk'), 16 * MIB)
    const origin = await scene.origin(workspace)
    const into = join(disk.path, 'joined')
    const node = scene.join({ workspace, peers: [origin], into })
    await assertFails(node, { exitCode: 5, code: 'NO_SPACE', message: /no space left/ })
    assert.equal(node.eventsOf('chunk-received').length, 0)

    disk.resize(2 * SNAPSHOT_BYTES)
    await scene.join({ workspace, peers: [origin], into }).succeeded()
    await assertSameTree(into, data.path('state'))
  })

  it('stops a join that somebody else takes the room from, and loses nothing that was placed', async () => {
    await using scene = await Scene.create()
    using disk = await SmallDisk.mount(scene.path('disk'), SNAPSHOT_BYTES + 8 * MIB)
    const origin = await scene.origin(workspace)
    const into = join(disk.path, 'joined')
    const node = scene.join({ workspace, peers: [origin], into })
    await node.event('download-started')
    await disk.fill()
    await assertFails(node, { exitCode: 5, code: 'NO_SPACE', message: /no space left/ })

    await disk.empty()
    const again = scene.join({ workspace, peers: [origin], into })
    await again.succeeded()
    await assertSameTree(into, data.path('state'))
    const placed = node.eventsOf('chunk-received').length
    const held = Number(again.eventsOf('resumed')[0]?.['chunksHeld'] ?? 0)
    assert.ok(held >= placed, `${placed} chunks were placed, ${held} were there afterwards`)
  })

  it('stops a publication, and leaves the releases as they were', async () => {
    await using scene = await Scene.create()
    using disk = await SmallDisk.mount(scene.path('disk'), 12 * MIB)
    const [small, own] = [scene.path('small'), join(disk.path, 'workspace')]
    await mkdir(small)
    await generateFlatFile({ path: join(small, 'file'), bytes: MIB, seed: 2, version: 1, insertions: 0 })
    await scene.succeed('init', own, '--ledger', 'mainnet')
    await scene.publish(own, small, 1)
    const origin = await scene.origin(own)
    const publish = scene.cairn('publish', data.path('state'), '--workspace', own, '--ledger', 'mainnet', '--height', '2')
    await assertFails(publish, { exitCode: 5, code: 'NO_SPACE', message: /no space left/ })

    assert.deepEqual(
      (await origin.status()).snapshots.map(({ height }) => height),
      [1],
    )
    await scene.join({ workspace: own, peers: [origin], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), small)
  })
})

class SmallDisk implements Disposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await mkdir(path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
    return new SmallDisk(path)
  }

  resize(bytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${bytes}`, this.path])
  }

  /** Takes all the room there is. */
  async fill(): Promise<void> {
    await using file = await open(join(this.path, 'stranger'), 'w')
    const { bavail, bsize } = await statfs(this.path)
    for (let bytes = bavail * bsize; bytes > 0; bytes -= MIB) {
      try {
        await file.write(Buffer.alloc(Math.min(bytes, MIB)))
      } catch {
        return // whoever else writes was faster
      }
    }
  }

  async empty(): Promise<void> {
    await rm(join(this.path, 'stranger'))
  }

  [Symbol.dispose](): void {
    // Processes of the test may still be ending: the directory goes at once, the file system when the last has left it.
    execFileSync('umount', ['--lazy', this.path])
  }
}

function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'cairn-e2e-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path], { stdio: 'ignore' })
    execFileSync('umount', [path])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(path)
  }
}
