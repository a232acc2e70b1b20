import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { MemoryPages } from '@cairn/ledger'
import { ReplicaError } from '../../src/errors.ts'
import { StateStore } from '../../src/state/state-store.ts'
import { blockOf, payloadOf, StateModel, valueAt } from './blocks.ts'

describe('the state of a replica', () => {
  let directory = ''
  let files = 0
  const path = (): string => join(directory, `state-${files++}.db`)
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'cairn-state-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('is what the blocks made it, also after a restart, at every height that is kept', () => {
    const init = { path: path(), heightsKept: 10 }
    const model = new StateModel(new MemoryPages())
    const roots: string[] = [model.root]
    for (let height = 1; height <= 40; height++) {
      // Opened anew for each: nothing is known but what is in the file.
      using store = new StateStore(init)
      new StateModel(store).apply(height)
      model.apply(height)
      roots.push(model.root)
      for (let at = 0; at <= height; at++) {
        const kept = store.stateAt(at)
        assert.equal(kept !== undefined, at > height - 10, `height ${at} at ${height}`)
        if (kept === undefined) continue
        assert.equal(Buffer.from(kept.root.hash).toString('hex'), roots[at])
        for (let key = 0; key < 20; key++) assert.equal(StateModel.read(store, kept, key), valueAt(key, at), `key ${key} at ${at}`)
      }
    }
    using store = new StateStore(init)
    assert.equal(store.state.height, 40)
    assert.equal(store.history.size, 40)
    assert.equal(store.history.root(), model.history.root())
    assert.deepEqual(
      store.itemsAbove(37, 2).map((item) => Buffer.from(item).toString()),
      ['block 38', 'block 39'],
    )
    assert.equal(Buffer.from(store.pointAt(40) ?? []).toString(), 'block 40')
    assert.equal(Buffer.from(store.payload(blockOf(12).payloadRoot) ?? []).toString(), 'block 12')
    assert.equal(store.payload('00'), undefined)
  })

  it('keeps the pages of the heights that are kept, and no others', () => {
    using store = new StateStore({ path: path(), heightsKept: 3 })
    const model = new StateModel(store)
    for (let height = 1; height <= 30; height++) {
      model.apply(height)
      assert.equal(store.pagesCount, model.reachable([height - 2, height - 1, height]), `at ${height}`)
    }
  })

  it('is the same however many blocks are flushed together, and has only what is still needed of them', () => {
    const init = { path: path(), heightsKept: 8 }
    const model = new StateModel(new MemoryPages())
    let height = 0
    for (const together of [1, 5, 2, 9, 1, 7]) {
      {
        // Opened anew, and closed without the last two: a crash forgets what was not flushed.
        using store = new StateStore(init)
        assert.equal(store.state.height, height)
        const staging = new StateModel(store)
        for (let at = height + 1; at <= height + together + 2; at++) staging.stage(at)
        assert.equal(store.stagedCount, together + 2)
        store.flush(height + together)
        assert.equal(store.stagedCount, 2)
        assert.equal(store.state.height, height + together + 2)
        for (let key = 0; key < 20; key++) assert.equal(StateModel.read(store, store.state, key), valueAt(key, height + together + 2))
        assert.deepEqual(
          store.itemsAbove(height + together - 1, 3).map((item) => Buffer.from(item).toString()),
          [0, 1, 2].map((more) => `block ${height + together + more}`),
        )
        assert.equal(Buffer.from(store.pointAt(height + together + 1) ?? []).toString(), `block ${height + together + 1}`)
        const staged = blockOf(height + together + 2)
        assert.equal(store.payloadRootAt(height + together + 2), staged.payloadRoot)
        assert.deepEqual(store.payload(staged.payloadRoot), staged.payload)
      }
      for (let at = height + 1; at <= height + together; at++) model.apply(at)
      height += together
      using store = new StateStore(init)
      assert.equal(Buffer.from(store.state.root.hash).toString('hex'), model.root)
      assert.equal(store.history.root(), model.history.root())
      for (let key = 0; key < 20; key++) assert.equal(StateModel.read(store, store.state, key), valueAt(key, height))
      const kept = Array.from({ length: height + 1 }, (_, at) => at).filter((at) => store.stateAt(at) !== undefined)
      const pages = new Set<string>()
      for (const at of kept) collectPages(store, store.stateAt(at)!.root.hash, pages)
      assert.equal(store.pagesCount, pages.size, `at ${height}, with ${kept.join()}`)
    }
  })

  it('serves from memory what it wrote, within its bound', () => {
    using store = new StateStore({ path: path(), cacheBytes: 0 })
    const model = new StateModel(store)
    for (let height = 1; height <= 5; height++) model.apply(height)
    assert.equal(StateModel.read(store, store.state, 3), valueAt(3, 5))
  })

  it('is not taken from a page that the disk changed', () => {
    const init = { path: path(), cacheBytes: 0 }
    {
      using store = new StateStore(init)
      new StateModel(store).apply(1)
    }
    const database = new DatabaseSync(init.path)
    database.exec("UPDATE pages SET bytes = CAST(bytes || x'00' AS BLOB)")
    database.close()
    assert.throws(
      () => new StateStore(init),
      (error) => error instanceof ReplicaError && error.fault.code === 'STATE_CORRUPT',
    )
  })

  it('is not made of what is no state', () => {
    const init = { path: path() }
    const database = new DatabaseSync(init.path)
    database.exec('PRAGMA user_version = 9')
    database.close()
    assert.throws(
      () => new StateStore(init),
      (error) => error instanceof ReplicaError && error.fault.code === 'UNSUPPORTED_VERSION',
    )
  })

  it('refuses a block that is not the next', () => {
    using store = new StateStore({ path: path() })
    const model = new StateModel(store)
    model.apply(1)
    const applied = model.applied(2)
    store.commit(applied, blockOf(2))
    assert.throws(() => store.commit(applied, blockOf(2)), RangeError)
    store.sync()
  })

  it('is at some height, all of it, when the process was killed', async () => {
    const init = { path: path(), heightsKept: 5 }
    const program = fileURLToPath(new URL('applying-process.ts', import.meta.url))
    let known = 0
    for (const lines of [30, 80, 10]) {
      const child = spawn(process.execPath, [program, init.path], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let seen = 0
      for await (const line of createInterface({ input: child.stdout })) {
        const [, height] = /^height (\d+)\.$/.exec(line) ?? []
        if (height !== undefined) known = Number(height)
        if (++seen === lines) child.kill('SIGKILL')
      }
      assert.equal((await exited)[1], 'SIGKILL')
      using store = new StateStore(init)
      assert.ok(store.state.height >= known, `${store.state.height} of ${known}`)
      const model = new StateModel(new MemoryPages())
      for (let height = 1; height <= store.state.height; height++) model.apply(height)
      assert.equal(Buffer.from(store.state.root.hash).toString('hex'), model.root)
      assert.equal(store.history.root(), model.history.root())
      for (let key = 0; key < 20; key++) assert.equal(StateModel.read(store, store.state, key), valueAt(key, store.state.height))
    }
  })
})

function collectPages(store: StateStore, hash: Uint8Array, found: Set<string>): void {
  found.add(Buffer.from(hash).toString('hex'))
  const page = store.page(hash)
  if (page.kind === 'index') for (const ref of page.items) collectPages(store, ref.hash, found)
}

it('payloads are made the same every time', () => assert.deepEqual(payloadOf(7), payloadOf(7)))
