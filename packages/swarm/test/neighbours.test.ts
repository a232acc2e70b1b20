import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageCid } from '@cairn/protocol'
import { ManualClock } from '@cairn/runtime/testing'
import { NEIGHBOURS_MAX } from '../src/limits.ts'
import { type Neighbour, Neighbours } from '../src/neighbours.ts'

const TTL_MS = 60_000
const snapshot = pageCid(new Uint8Array([1]))
const other = pageCid(new Uint8Array([2]))

describe('Neighbours', () => {
  it('gives the peers of a snapshot, the most recent announcement first, each once', () => {
    const { neighbours, announce } = setUp()
    announce({ peer: 'a' })
    announce({ peer: 'b' })
    announce({ peer: 'c', snapshot: other.toString() })
    assert.deepEqual(peersOf(neighbours), ['b', 'a'])
    announce({ peer: 'a', complete: true })
    assert.deepEqual(peersOf(neighbours), ['a', 'b'])
    assert.equal(neighbours.of(snapshot)[0]?.complete, true)
    assert.deepEqual(
      neighbours.of(other).map(({ peer }) => peer),
      ['c'],
    )
  })

  it('keeps what a peer says of several snapshots apart', () => {
    const { neighbours, announce } = setUp()
    announce({ peer: 'a' })
    announce({ peer: 'a', snapshot: other.toString(), complete: true })
    assert.equal(neighbours.of(snapshot)[0]?.complete, false)
  })

  // Otherwise one announcement would make a whole swarm dial whomever its author does not like.
  it("keeps only a peer's own addresses", () => {
    const { neighbours, announce } = setUp()
    const own = '/ip4/10.0.0.1/tcp/1/p2p/a'
    announce({ peer: 'a', addresses: [own, '/ip4/10.0.0.2/tcp/1/p2p/victim', '/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.2/tcp/1/p2p/aa'] })
    assert.deepEqual(neighbours.of(snapshot)[0]?.addresses, [own])
  })

  it('forgets at the hour that was announced', async () => {
    const { clock, neighbours, announce } = setUp()
    announce({ peer: 'a', expiresAt: clock.now() + 1000 })
    announce({ peer: 'b', expiresAt: clock.now() + 2000 })
    await clock.advance(999)
    assert.deepEqual(peersOf(neighbours), ['b', 'a'])
    await clock.advance(1)
    assert.deepEqual(peersOf(neighbours), ['b'])
    announce({ peer: 'late', expiresAt: clock.now() })
    assert.deepEqual(peersOf(neighbours), ['b'])
  })

  it('stays bounded however many announce', () => {
    const { neighbours, announce } = setUp()
    for (let i = 0; i < 2 * NEIGHBOURS_MAX; i++) announce({ peer: `p${i}`, snapshot: (i % 2 === 0 ? snapshot : other).toString() })
    assert.equal(neighbours.of(snapshot).length + neighbours.of(other).length, NEIGHBOURS_MAX)
    assert.equal(peersOf(neighbours)[0], `p${2 * NEIGHBOURS_MAX - 2}`, 'what was heard last is kept')
  })
})

function setUp(): {
  readonly clock: ManualClock
  readonly neighbours: Neighbours
  /** Hears an announcement of `snapshot` that lasts for a minute, but for what is given. */
  readonly announce: (said: Partial<Neighbour> & Pick<Neighbour, 'peer'>) => void
} {
  const clock = new ManualClock()
  const neighbours = new Neighbours(clock)
  const usual = { snapshot: snapshot.toString(), complete: false, region: '', load: 0, addresses: [] }
  return { clock, neighbours, announce: (said) => neighbours.add({ ...usual, expiresAt: clock.now() + TTL_MS, ...said }) }
}

function peersOf(neighbours: Neighbours): readonly string[] {
  return neighbours.of(snapshot).map(({ peer }) => peer)
}
