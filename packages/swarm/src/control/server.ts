import type { Channel } from '@cairn/network'
import {
  type CID,
  type ControlMessage,
  decodeControl,
  encodeControl,
  encodeDeltaSizes,
  HAVE_UPDATE_CHUNKS_MAX,
  ProtocolError,
} from '@cairn/protocol'
import type { DeltaSource } from '../delta-source.ts'
import type { Holdings } from '../holdings.ts'
import { SUBSCRIPTIONS_PER_PEER_MAX } from '../limits.ts'

export interface ControlServerComponents {
  readonly holdings: Holdings
  /** The exact bytes of a metadata file, or `undefined` when there is none of that name. */
  readonly metadata: (file: string) => Promise<Uint8Array | undefined>
  /** Whether others are to be asked first for what is whole here. */
  readonly isLastResort: boolean
  readonly deltas: DeltaSource
  /** Addresses of peers known to hold or fetch `snapshot`, without those of `except`. */
  readonly neighbours: (snapshot: CID, except: string) => readonly string[]
}

/** Serves one inbound control channel until the peer closes it; requests are answered one after the other. */
export async function serveControl(channel: Channel, components: ControlServerComponents): Promise<void> {
  const subscriptions = new Map<string, () => void>()
  try {
    for (let bytes = await channel.receive(); bytes !== undefined; bytes = await channel.receive()) {
      const reply = await answer(decodeControl(bytes), channel, components, subscriptions)
      if (reply !== undefined) await channel.send(encodeControl(reply))
    }
    await channel.close()
  } finally {
    for (const stop of subscriptions.values()) stop()
  }
}

async function answer(
  message: ControlMessage,
  channel: Channel,
  { holdings, metadata, isLastResort, neighbours, deltas }: ControlServerComponents,
  subscriptions: Map<string, () => void>,
): Promise<ControlMessage | undefined> {
  switch (message.type) {
    case 'metadata':
      return { type: 'metadata-reply', id: message.id, bytes: (await metadata(message.file)) ?? null }
    case 'have': {
      const have = holdings.get(message.snapshot)
      if (have === undefined) return { type: 'have-reply', id: message.id, state: 'none' }
      if (have.isFull()) {
        const reply = { type: 'have-reply', id: message.id, state: 'complete' } as const
        return isLastResort ? { ...reply, lastResort: true } : reply
      }
      return { type: 'have-reply', id: message.id, state: 'partial', bitmap: have.encode() }
    }
    case 'peers':
      return { type: 'peers-reply', id: message.id, addresses: neighbours(message.snapshot, channel.peer) }
    case 'deltas': {
      const offer = await deltas.offer(message.snapshot, message.from)
      const reply = { type: 'deltas-reply', id: message.id } as const
      if (offer.state === 'none') return { ...reply, state: offer.state }
      const sizes = offer.sizes === undefined ? undefined : encodeDeltaSizes(offer.sizes)
      return { ...reply, state: offer.state, ...(sizes === undefined ? {} : { sizes }) }
    }
    case 'subscribe': {
      const key = message.snapshot.toString()
      if (subscriptions.has(key)) return undefined
      if (subscriptions.size >= SUBSCRIPTIONS_PER_PEER_MAX) {
        throw new ProtocolError({
          code: 'TOO_LARGE',
          what: 'number of subscriptions',
          value: subscriptions.size + 1,
          max: SUBSCRIPTIONS_PER_PEER_MAX,
        })
      }
      subscriptions.set(
        key,
        holdings.listen(message.snapshot, (chunks) => pushUpdates(channel, message.snapshot, chunks)),
      )
      return undefined
    }
    case 'unsubscribe': {
      const key = message.snapshot.toString()
      subscriptions.get(key)?.()
      subscriptions.delete(key)
      return undefined
    }
    case 'metadata-reply':
    case 'have-reply':
    case 'have-update':
    case 'peers-reply':
    case 'deltas-reply':
    case 'error':
      throw new ProtocolError({ code: 'MALFORMED', what: 'control', reason: `${message.type} sent to a server` })
    default:
      return message satisfies never
  }
}

function pushUpdates(channel: Channel, snapshot: CID, chunks: readonly number[]): void {
  for (let from = 0; from < chunks.length; from += HAVE_UPDATE_CHUNKS_MAX) {
    const part = chunks.slice(from, from + HAVE_UPDATE_CHUNKS_MAX)
    // Each chunk is told once, so what queues for a peer that does not read is bounded by the snapshot: 5 bytes a chunk.
    channel.send(encodeControl({ type: 'have-update', snapshot, chunks: part })).catch((error: unknown) => {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }
}
