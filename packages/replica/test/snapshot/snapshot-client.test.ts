import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'node:test'
import { ed25519Verifier, LedgerError, readState } from '@cairn/ledger'
import { ManualClock } from '@cairn/runtime/testing'
import type { ReplicaEvent } from '../../src/events.ts'
import { SnapshotClient } from '../../src/snapshot/snapshot-client.ts'
import { decodeSnapshotMessage, encodeSnapshotMessage, type SnapshotMessage } from '../../src/snapshot/snapshot-message.ts'
import { SnapshotServer } from '../../src/snapshot/snapshot-server.ts'
import { incomingFile } from '../../src/state/state-files.ts'
import { StateStore } from '../../src/state/state-store.ts'
import { LEDGER } from '../replicas.ts'
import { ServedState, START } from './served.ts'

type Change = (message: SnapshotMessage) => SnapshotMessage | undefined

/** One replica that is late, and peers that serve from one store; each may change what it says. */
class Late {
  readonly clock = new ManualClock()
  readonly events: ReplicaEvent[] = []
  readonly asked = new Map<string, number>()
  pagesCount = 0
  /** Pages after which nobody answers any more. */
  pagesMax = Infinity
  readonly client: SnapshotClient
  #done: () => void = () => undefined
  readonly installed: Promise<void> = new Promise((resolve) => {
    this.#done = resolve
  })

  constructor(directory: string, served: () => ServedState, peers: Readonly<Record<string, Change>>, own: StateStore) {
    const servers = Object.keys(peers).map((peer) => {
      const send = (_: string, message: SnapshotMessage): void => this.#deliver(peer, peers[peer]!(message))
      return [
        peer,
        new SnapshotServer({
          clock: this.clock,
          store: () => served().store,
          epochsBetween: (from, to) => (from === to ? [] : undefined),
          send,
        }),
      ] as const
    })
    const byPeer = new Map(servers)
    this.client = new SnapshotClient({
      directory,
      ledger: LEDGER,
      verifier: ed25519Verifier(),
      clock: this.clock,
      askMs: 1000,
      store: () => own,
      guarded: (act) => act(),
      known: () => START,
      certified: () => 0,
      sources: () => Object.keys(peers),
      adopt: () => true,
      send: (to, message) => {
        this.asked.set(to, (this.asked.get(to) ?? 0) + 1)
        const server = byPeer.get(to)
        const read = decodeSnapshotMessage(encodeSnapshotMessage(message))
        if (read.type === 'ask') server?.answer('late', read)
        if (read.type === 'pages-wanted' && this.pagesCount < this.pagesMax) server?.servePages('late', read)
      },
      install: () => {
        this.#done()
        return Promise.resolve()
      },
      observe: (event) => this.events.push(event),
    })
    this.client.start()
  }

  types(): readonly string[] {
    return this.events.map(({ type }) => type)
  }

  #deliver(peer: string, message: SnapshotMessage | undefined): void {
    if (message === undefined) return
    if (message.type === 'pages') this.pagesCount += message.pages.length
    // As over a wire: an answer never comes while the question is being asked.
    const read = decodeSnapshotMessage(encodeSnapshotMessage(message))
    if (read.type === 'ask' || read.type === 'pages-wanted') return
    setImmediate(() => {
      try {
        this.client.hear(peer, read)
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        this.events.push({ type: 'malformed', from: peer, reason: error.fault.code })
      }
    })
  }
}

const honest: Change = (message) => message
const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Writes over the page in which a table or an index of a closed database begins. */
function overwriteRoot(path: string, name: string): void {
  const database = new DatabaseSync(path)
  const root = Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage'])
  const size = Number(database.prepare('PRAGMA page_size').get()?.['page_size'])
  database.close()
  const bytes = readFileSync(path)
  bytes.fill(0xff, (root - 1) * size, root * size)
  writeFileSync(path, bytes)
}

describe('fetching a state', { timeout: 30_000 }, () => {
  let directory = ''
  let count = 0
  let served: ServedState
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'cairn-snapshot-'))
    served = new ServedState(join(directory, 'served.db'), 1)
    served.applyTo(40, 'key')
    served.certify()
    served.forgetBlocks()
  })
  after(() => {
    served.store.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const fresh = (): { readonly home: string; readonly own: StateStore } => {
    const home = mkdtempSync(join(directory, `late-${count++}-`))
    return { home, own: new StateStore({ path: join(home, 'state.db') }) }
  }

  it('gives the state that is certified, and nothing else', async () => {
    const { home, own } = fresh()
    const late = new Late(home, () => served, { a: honest }, own)
    await late.clock.advance(1000)
    await late.installed
    using state = new StateStore({ path: incomingFile(home) })
    assert.equal(Buffer.from(state.state.root.hash).toString('hex'), Buffer.from(served.store.state.root.hash).toString('hex'))
    assert.equal(state.state.height, 40)
    assert.equal(state.history.root(), served.store.history.root())
    assert.equal(state.pagesCount, late.pagesCount)
    assert.ok(readState(state, state.state.root, Buffer.from('key 7/3')))
    // It goes on from there, and so does its history.
    late.client.stop()
    own.close()
  })

  it('goes to another peer when one lies, sends nothing, or has nothing', async () => {
    const { home, own } = fresh()
    const lie: Change = (message) =>
      message.type === 'pages' ? { ...message, pages: message.pages.map((page) => page.with(page.length - 1, 99)) } : message
    const silent: Change = (message) => (message.type === 'pages' ? undefined : message)
    const empty: Change = (message) => (message.type === 'pages' ? { ...message, pages: [] } : message)
    const late = new Late(home, () => served, { a: lie, b: silent, c: empty, d: honest }, own)
    // Time passes only for those who do not answer.
    for (let tick = 0; tick < 6; tick++) {
      await late.clock.advance(1000)
      await turns()
    }
    await late.installed
    assert.equal(late.events.filter((event) => event.type === 'snapshot-lie' && event.from === 'a').length, 1)
    assert.ok(['a', 'b', 'c', 'd'].every((peer) => (late.asked.get(peer) ?? 0) > 0))
    late.client.stop()
    own.close()
  })

  // Goal: a peer that falls silent in the middle holds up what it was asked for, and nothing else.
  // Method: no time passes, so nothing can be given up on, until everything else is there.
  it('goes on while a peer is mute', async () => {
    const { home, own } = fresh()
    const large = new ServedState(join(home, 'large.db'), 1)
    large.applyTo(200, 'key')
    large.certify()
    large.forgetBlocks()
    let answers = 0
    const muteLater: Change = (message) => (message.type === 'pages' && ++answers > 6 ? undefined : message)
    const late = new Late(home, () => large, { a: muteLater, b: honest, c: honest }, own)
    await late.clock.advance(1000)
    await turns(200)
    const total = large.store.pagesCount
    assert.ok(answers > 6, 'it was asked when it was mute')
    assert.ok(late.pagesCount > total / 2 && late.pagesCount < total, `${late.pagesCount} of ${total} pages`)
    assert.ok((late.asked.get('b') ?? 0) > 0 && (late.asked.get('c') ?? 0) > 0)
    for (let tick = 0; tick < 2; tick++) await late.clock.advance(1000)
    await turns(200)
    await late.installed
    assert.equal(late.pagesCount, total, 'and no page came twice')
    late.client.stop()
    large.store.close()
    own.close()
  })

  it('begins with no offer that is not certified', async () => {
    for (const [name, change] of Object.entries({
      'another state': (message) =>
        message.type === 'offer'
          ? {
              ...message,
              offer: {
                ...message.offer,
                checkpoint: { ...message.offer.checkpoint, header: { ...message.offer.checkpoint.header, stateRoot: 'ab'.repeat(32) } },
              },
            }
          : message,
      'too few signers': (message) =>
        message.type === 'offer'
          ? {
              ...message,
              offer: {
                ...message.offer,
                checkpoint: { ...message.offer.checkpoint, signatures: message.offer.checkpoint.signatures.slice(1) },
              },
            }
          : message,
      'another block': (message) =>
        message.type === 'offer' ? { ...message, offer: { ...message.offer, header: { ...message.offer.header, time: 2 } } } : message,
      'another history': (message) =>
        message.type === 'offer'
          ? { ...message, offer: { ...message.offer, peaks: message.offer.peaks.map((peak) => peak.with(0, 1)) } }
          : message,
    } satisfies Record<string, Change>)) {
      const { home, own } = fresh()
      const late = new Late(home, () => served, { a: change }, own)
      await late.clock.advance(1000)
      await turns()
      assert.deepEqual(late.types(), ['malformed'], name)
      assert.equal(late.pagesCount, 0, name)
      late.client.stop()
      own.close()
    }
  })

  it('goes on after it was cut off, and for a newer state fetches only what that has more', async () => {
    const { home, own } = fresh()
    const first = new Late(home, () => served, { a: honest }, own)
    first.pagesMax = 1
    await first.clock.advance(1000)
    await turns()
    assert.ok(first.pagesCount > 0)
    first.client.stop()
    const again = new Late(home, () => served, { a: honest }, own)
    await again.clock.advance(1000)
    await again.installed
    assert.equal(again.pagesCount + first.pagesCount, served.store.pagesCount)
    again.client.stop()
    const newer = new ServedState(join(home, 'newer.db'), 1)
    newer.applyTo(40, 'other')
    newer.certify()
    newer.forgetBlocks()
    // The window of operations and the keys are others, and a page that is the same is not fetched.
    const third = new Late(home, () => newer, { a: honest }, own)
    await third.clock.advance(1000)
    await third.installed
    using state = new StateStore({ path: incomingFile(home) })
    assert.equal(state.pagesCount, newer.store.pagesCount, 'pages of the older state are gone')
    third.client.stop()
    newer.store.close()
    own.close()
  })

  // Goal: damage to what is being fetched costs what was fetched, and nothing else.
  // Method: overwrite in the real file where a table or an index begins that is first read when it is opened, looked into, or finished.
  for (const name of ['pages', 'sqlite_autoindex_pages_1', 'history']) {
    it(`begins anew when the disk changed ${name} of what it had`, async () => {
      const { home, own } = fresh()
      const first = new Late(home, () => served, { a: honest }, own)
      first.pagesMax = 1
      await first.clock.advance(1000)
      await turns()
      assert.ok(first.pagesCount > 0)
      first.client.stop()
      overwriteRoot(incomingFile(home), name)
      const again = new Late(home, () => served, { a: honest }, own)
      // As often as somebody asks who was left once.
      for (let tick = 0; tick < 3 && !again.types().includes('snapshot-installed'); tick++) {
        await again.clock.advance(1000)
        await turns(200)
      }
      assert.ok(again.types().includes('snapshot-installed'), JSON.stringify(again.events))
      using state = new StateStore({ path: incomingFile(home) })
      assert.equal(state.pagesCount, served.store.pagesCount)
      assert.equal(Buffer.from(state.state.root.hash).toString('hex'), Buffer.from(served.store.state.root.hash).toString('hex'))
      again.client.stop()
      own.close()
    })
  }

  it('has all that it had when its process was killed, and ends as it would have', async () => {
    const { home, own } = fresh()
    const copy = join(home, 'copy.db')
    served.store.sync()
    copyFileSync(join(directory, 'served.db'), copy)
    const program = fileURLToPath(new URL('fetching-process.ts', import.meta.url))
    const child = spawn(process.execPath, [program, incomingFile(home), copy], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    let known = 0
    for await (const line of createInterface({ input: child.stdout })) {
      // The last line may be half of one.
      if (/^page \d+\.$/.test(line)) known++
      if (known === 30) child.kill('SIGKILL')
    }
    assert.equal((await exited)[1], 'SIGKILL')
    const late = new Late(home, () => served, { a: honest }, own)
    await late.clock.advance(1000)
    await late.installed
    assert.ok(late.pagesCount <= served.store.pagesCount - 30 && late.pagesCount > 0, `${late.pagesCount} pages`)
    using state = new StateStore({ path: incomingFile(home) })
    assert.equal(state.pagesCount, served.store.pagesCount)
    late.client.stop()
    own.close()
  })

  it('asks nobody for pages that the state here has', async () => {
    const home = mkdtempSync(join(directory, 'behind-'))
    const behind = new ServedState(join(home, 'state.db'))
    behind.applyTo(38, 'key')
    const late = new Late(home, () => served, { a: honest }, behind.store)
    await late.clock.advance(1000)
    await late.installed
    await turns()
    const [installed] = late.events.filter((event) => event.type === 'snapshot-installed')
    assert.equal(installed?.fetched, late.pagesCount)
    assert.equal((installed?.found ?? 0) + late.pagesCount, served.store.pagesCount)
    // The keys are the same, so only the window of operations is not.
    assert.ok((installed?.found ?? 0) > 20, `${installed?.found} pages were here`)
    late.client.stop()
    behind.store.close()
  })

  it('is left when blocks were faster', async () => {
    const { home, own } = fresh()
    own.close()
    const faster = new ServedState(join(home, 'state.db'))
    const late = new Late(home, () => served, { a: honest }, faster.store)
    late.pagesMax = 0
    await late.clock.advance(1000)
    await turns()
    faster.applyTo(41, 'key')
    await late.clock.advance(1000)
    assert.deepEqual(late.types(), ['snapshot-begun', 'snapshot-left'])
    assert.equal(existsSync(incomingFile(home)), false)
    late.client.stop()
    faster.store.close()
  })
})

describe('serving a state', () => {
  it('keeps it for who fetches it, and not for ever', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cairn-serve-'))
    try {
      const served = new ServedState(join(directory, 'served.db'), 4)
      const clock = new ManualClock()
      const sent: SnapshotMessage[] = []
      const send = (_: string, message: SnapshotMessage): void => void sent.push(message)
      const server = new SnapshotServer({ clock, store: () => served.store, epochsBetween: () => [], send })
      served.applyTo(10, 'key')
      served.certify()
      server.answer('early', { type: 'ask', epoch: 0, applied: 9, certified: 0 })
      assert.equal(sent.length, 0, 'its next block is here')
      served.forgetBlocks()
      server.answer('late', { type: 'ask', epoch: 0, applied: 3, certified: 0 })
      assert.deepEqual(
        sent.map(({ type }) => type),
        ['offer'],
      )
      const { root } = served.store.stateAt(10)!
      served.applyTo(30, 'key')
      assert.equal(served.store.stateAt(11) === undefined, false)
      server.servePages('late', { type: 'pages-wanted', request: 1, height: 10, hashes: [root.hash] })
      assert.deepEqual(
        sent.map((message) => (message.type === 'pages' ? message.pages.length : message.type)),
        ['offer', 1],
      )
      assert.equal(server.heldHeight, 10)
      await clock.advance(60_000)
      assert.equal(server.heldHeight, undefined)
      served.certify()
      served.store.keepFrom(30)
      served.applyTo(60, 'key')
      assert.equal(served.store.stateAt(10), undefined)
      served.store.close()
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
