import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type GossipSub, gossipsub, type GossipSubComponents, type Message, StrictSign, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Clock, Log } from '@cairn/runtime'
import {
  GOSSIP_MESSAGE_BYTES_MAX,
  GOSSIP_QUEUE_BYTES_MAX,
  GOSSIP_RPC_BYTES_MAX,
  GOSSIP_SEEN_MS,
  GOSSIP_TOPIC_BYTES_PER_PEER_MAX,
} from '../limits.ts'
import type { Gossip, GossipValidator, PeerId, Verdict } from '../transport.ts'
import { GossipPenalties } from './gossip-penalties.ts'
import { throttled } from './gossip-throttle.ts'

/** Below gossipsub's graylist threshold of -80, whatever else a peer may have earned. */
const SCORE_OF_BANNED = -1000

const RESULTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

interface Libp2pGossipInit {
  readonly clock: Clock
  readonly log: Log
  readonly isBanned: (peer: PeerId) => boolean
}

/** {@link Gossip} on gossipsub. {@link Libp2pGossip.service} makes the libp2p service that carries it. */
export class Libp2pGossip implements Gossip {
  readonly #init: Libp2pGossipInit
  readonly #penalties: GossipPenalties
  readonly #topics = new Set<string>()
  #router: GossipSub | undefined

  constructor(init: Libp2pGossipInit) {
    this.#init = init
    this.#penalties = new GossipPenalties(init.clock)
  }

  readonly service = ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }: GossipSubComponents): GossipSub => {
    this.#router = gossipsub({
      globalSignaturePolicy: StrictSign,
      // Floodsub has neither scores nor a mesh.
      fallbackToFloodsub: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      // Announcements are small and rare, and a publisher often has few peers: reach all of them at once.
      floodPublish: true,
      // One message of a peer at a time, so that validation cannot pile up.
      awaitRpcHandler: true,
      awaitRpcMessageHandler: true,
      maxInboundDataLength: GOSSIP_RPC_BYTES_MAX,
      maxOutboundBufferSize: GOSSIP_QUEUE_BYTES_MAX,
      maxTopicBytesPerPeer: GOSSIP_TOPIC_BYTES_PER_PEER_MAX,
      seenTTL: GOSSIP_SEEN_MS,
      msgIdFn: messageId,
      // Refuses topics that nobody here asked for before they are cached; gossipsub's own list of topics is fixed at its start.
      dataTransform: {
        inboundTransform: (topic, data) => this.#admit(topic, data),
        outboundTransform: (_topic, data) => data,
      },
      scoreParams: {
        appSpecificScore: (peer) => (this.#init.isBanned(peer) ? SCORE_OF_BANNED : -this.#penalties.of(peer)),
        appSpecificWeight: 1,
        // Nodes of one operator share an address behind NAT and on one machine; that is no offence.
        IPColocationFactorWeight: 0,
      },
    })({ privateKey, peerId, peerStore, registrar: throttled(registrar, this.#init.clock), connectionManager, logger })
    return this.#router
  }

  subscribe(topic: string, validator: GossipValidator): void {
    const router = this.#started()
    this.#topics.add(topic)
    router.topicValidators.set(topic, (relay, message) => this.#validate(validator, relay.toString(), message))
    router.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    const router = this.#started()
    this.#topics.delete(topic)
    router.topicValidators.delete(topic)
    router.unsubscribe(topic)
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    assert(message.byteLength <= GOSSIP_MESSAGE_BYTES_MAX, `a gossip message has at most ${GOSSIP_MESSAGE_BYTES_MAX} bytes`)
    await this.#started().publish(topic, message)
  }

  #started(): GossipSub {
    if (this.#router === undefined) throw new Error('gossip is used before its transport has started')
    return this.#router
  }

  #admit(topic: string, data: Uint8Array): Uint8Array {
    if (!this.#topics.has(topic)) throw new Error('not subscribed')
    if (data.byteLength > GOSSIP_MESSAGE_BYTES_MAX) throw new Error('too large')
    return data
  }

  async #validate(validator: GossipValidator, relay: PeerId, message: Message): Promise<TopicValidatorResult> {
    if (message.type !== 'signed') return TopicValidatorResult.Reject
    try {
      const verdict = await validator(message.data, message.from.toString())
      // Whoever relays has accepted it before: the relay is to blame, whoever wrote it.
      if (verdict === 'reject') this.#penalties.add(relay)
      return RESULTS[verdict]
    } catch (error) {
      this.#init.log.error('gossip-validator-failed', { topic: message.topic, error: String(error) })
      return TopicValidatorResult.Ignore
    }
  }
}

/**
 * Over publisher and content, not over the sequence number: saying the same thing again is no new message.
 * The publisher counts, or else a peer could suppress an announcement by publishing its bytes first.
 */
function messageId(message: Message): Uint8Array {
  const hash = createHash('sha256').update(message.topic).update('\0')
  if (message.type === 'signed') hash.update(message.from.toMultihash().bytes)
  return hash.update(message.data).digest()
}
