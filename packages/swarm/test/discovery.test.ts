import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Transport } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import { pageCid } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { Discovery } from '../src/discovery.ts'
import { DISCOVERED_PEERS_MIN, DISCOVERY_ASKED_MAX, DISCOVERY_INTERVAL_MS, DISCOVERY_PEERS_ENOUGH } from '../src/limits.ts'
import { Neighbours } from '../src/neighbours.ts'
import { dial } from './channel-pair.ts'

const SNAPSHOT = pageCid(new Uint8Array([1]))
const OTHERS = 40

describe('Discovery', () => {
  it('connects to peers that gossip tells of until there are enough', async () => {
    const stage = new Stage()
    const self = stage.seek('self')
    await stage.clock.advance(4 * DISCOVERY_INTERVAL_MS)
    assert.equal(self.peers().length, DISCOVERY_PEERS_ENOUGH)
  })

  it('chooses a few itself however many have connected to it', async () => {
    const stage = new Stage()
    const self = stage.network.createTransport('self')
    const strangers = Array.from({ length: DISCOVERY_PEERS_ENOUGH }, (_, i) => stage.network.createTransport(`stranger-${i}`))
    for (const stranger of strangers) await dial(stranger, self)
    stage.seek('self', self)
    await stage.clock.advance(4 * DISCOVERY_INTERVAL_MS)
    assert.equal(self.peers().filter((peer) => peer.startsWith('other')).length, DISCOVERED_PEERS_MIN)
  })

  it('goes through them in an order of its own', async () => {
    const stage = new Stage()
    const [one, two] = [stage.seek('one'), stage.seek('two')]
    await stage.clock.advance(4 * DISCOVERY_INTERVAL_MS)
    assert.notDeepEqual([...one.peers()].toSorted(), [...two.peers()].toSorted())
    const answers = ['one', 'two'].map((asker) => stage.discovery.get('one')!.addressesFor(SNAPSHOT, asker))
    assert.notDeepEqual(answers[0], answers[1])
  })

  it('asks some of its peers each time, and in the end each', async () => {
    const stage = new Stage(0)
    const self = stage.network.createTransport('self')
    const others = Array.from({ length: 2 * DISCOVERY_ASKED_MAX }, (_, i) => stage.network.createTransport(`peer-${i}`))
    for (const other of others) await dial(self, other)
    stage.seek('self', self)
    assert.equal(stage.asked.length, DISCOVERY_ASKED_MAX)
    await stage.clock.advance(DISCOVERY_INTERVAL_MS)
    assert.equal(new Set(stage.asked).size, others.length)
  })
})

/** A network in which gossip has told everybody of the same `others`. */
class Stage {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork({ clock: this.clock, random: seededRandom(1) })
  readonly discovery = new Map<string, Discovery>()
  /** Whom anybody asked for further peers. */
  readonly asked: string[] = []
  readonly #neighbours = new Neighbours(this.clock)

  constructor(others = OTHERS) {
    for (let i = 0; i < others; i++) {
      const peer = `other-${i}`
      const addresses = this.network.createTransport(peer).addresses()
      const expiresAt = this.clock.now() + 1e9
      this.#neighbours.add({ peer, snapshot: SNAPSHOT.toString(), complete: false, region: '', load: 0, expiresAt, addresses })
    }
  }

  /** Lets `name` look for peers, of which none answers what it is asked. */
  seek(name: string, transport: Transport = this.network.createTransport(name)): Transport {
    const discovery = new Discovery({
      transport,
      clock: this.clock,
      neighbours: this.#neighbours,
      peersOf: async (peer) => {
        this.asked.push(peer)
        return []
      },
    })
    this.discovery.set(name, discovery)
    discovery.seek(SNAPSHOT)
    return transport
  }
}
