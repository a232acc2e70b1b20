import assert from 'node:assert/strict'
import { type Channel } from '@cairn/network'
import { decodeExchange, encodeExchange, type ExchangeMessage } from '@cairn/protocol'

export function send(channel: Channel, message: ExchangeMessage): Promise<void> {
  return channel.send(encodeExchange(message))
}

export async function receive(channel: Channel): Promise<ExchangeMessage> {
  const bytes = await channel.receive()
  assert.ok(bytes !== undefined, 'the channel has ended')
  const message = decodeExchange(bytes)
  return message.type === 'data' ? { ...message, slice: new Uint8Array(message.slice) } : message
}
