import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createSeatKey, SeatKeys } from '../../src/epochs/seat-keys.ts'
import { seatDirectory } from '../../src/ledger-directory.ts'

describe('the keys of a seat', () => {
  let home = ''
  let seats = 0
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'cairn-keys-'))
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  /** A seat of its own, and what it has on disk. */
  const newSeat = () => {
    const seat = seats++
    const path = (name: string): string => join(seatDirectory(home, seat), name)
    return {
      seat,
      has: (name: string): boolean => existsSync(path(name)),
      bytes: (name: string): Buffer => readFileSync(path(name)),
      log: (): void => {
        mkdirSync(path('log'))
        writeFileSync(path('log/superblock'), '')
      },
      loseLog: (): void => rmSync(path('log'), { recursive: true }),
      open: async (): Promise<SeatKeys> => await SeatKeys.open(home, seat),
    }
  }

  it('are a first one, and the one that follows it', async () => {
    const { seat, open, log, has, bytes } = newSeat()
    const first = await createSeatKey(home, seat)
    const keys = await open()
    log()
    assert.deepEqual(keys.signerOf(first.publicKey)?.publicKey, first.publicKey)
    const next = await createSeatKey(home, seat)
    assert.equal(next.peer, first.peer, 'it is reached as before')
    await assert.rejects(createSeatKey(home, seat), { code: 'EEXIST' })
    assert.equal(keys.signerOf(next.publicKey), undefined, 'not before it is taken up')
    keys.reload()
    const seed = bytes('next.key')
    for (const { publicKey } of [first, next]) assert.deepEqual(keys.signerOf(publicKey)?.publicKey, publicKey)
    keys.erase(first.publicKey)
    assert.equal(keys.signerOf(first.publicKey), undefined)
    assert.deepEqual(keys.signerOf(next.publicKey)?.publicKey, next.publicKey)
    assert.deepEqual(bytes('seat.key'), seed, 'it has taken the place of the first')
    assert.ok(!has('next.key') && !has('next.used'))
    const again = await open()
    assert.deepEqual(again.publicKeys, [next.publicKey])
    assert.equal(again.signerOf(first.publicKey), undefined)
  })

  it('are none when the last is erased, and another one can come', async () => {
    const { seat, open, log, has } = newSeat()
    const { publicKey, peer } = await createSeatKey(home, seat)
    const keys = await open()
    log()
    keys.erase(publicKey)
    keys.erase(publicKey)
    assert.ok(!has('seat.key'))
    const without = await open()
    assert.deepEqual([without.publicKeys, without.isBurnt], [[], false])
    const second = await createSeatKey(home, seat)
    assert.equal(second.peer, peer)
    without.reload()
    assert.deepEqual(without.signerOf(second.publicKey)?.publicKey, second.publicKey)
    assert.deepEqual((await open()).signerOf(second.publicKey)?.publicKey, second.publicKey)
  })

  it('do not sign when their log is gone, but one that has never been loaded does', async () => {
    const { seat, open, log, loseLog, has } = newSeat()
    const lost = await createSeatKey(home, seat)
    await open()
    log()
    loseLog()
    const burnt = await open()
    log()
    assert.ok(burnt.isBurnt)
    assert.equal(burnt.signerOf(lost.publicKey), undefined)
    const next = await createSeatKey(home, seat)
    burnt.reload()
    assert.deepEqual(burnt.signerOf(next.publicKey)?.publicKey, next.publicKey)
    // Once the committee has a seat for the next key, the one that must not sign is erased, and nothing is said against its successor.
    burnt.erase(lost.publicKey)
    assert.ok(!burnt.isBurnt && !has('seat.burnt'))
    const keys = await open()
    assert.deepEqual([keys.isBurnt, keys.signerOf(next.publicKey)?.publicKey], [false, next.publicKey])
  })

  it('do not sign with one that follows either, if it was loaded before the log went', async () => {
    const { seat, open, log, loseLog, has } = newSeat()
    await createSeatKey(home, seat)
    const keys = await open()
    log()
    const next = await createSeatKey(home, seat)
    keys.reload()
    loseLog()
    const burnt = await open()
    assert.equal(burnt.signerOf(next.publicKey), undefined)
    assert.ok(!has('next.key'))
  })
})
