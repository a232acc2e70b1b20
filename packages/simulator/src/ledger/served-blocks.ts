import { type BatchItem, headerDigest, type Message, payloadFacts, type Want } from '@cairn/ledger'
import type { SimulatedDisk } from './disk.ts'

/** Blocks in one answer. */
const BLOCKS_MAX = 64

/** From the log, what the engine no longer holds; nothing where that was forgotten. */
export function answerFromDisk(disk: SimulatedDisk, want: Want): Message | undefined {
  if (want.type === 'payload') {
    for (const record of disk.records) {
      if (record.type === 'payload' && payloadFacts(record.payload).root === want.root) return { type: 'payload', payload: record.payload }
    }
    return undefined
  }
  if (want.type !== 'sync') return undefined
  const wanted = new Map(disk.applied.filter(({ point }) => point.height > want.height).map(({ point }) => [point.digest, point.height]))
  const blocks = new Map<number, BatchItem>()
  const certificates = new Map<string, BatchItem['certificate']>()
  for (const record of disk.records) {
    if (record.type === 'certificate') certificates.set(record.certificate.digest, record.certificate)
    if (record.type !== 'block') continue
    const height = wanted.get(headerDigest(record.proposal.header))
    if (height !== undefined) blocks.set(height, { proposal: record.proposal })
  }
  const items: BatchItem[] = []
  for (let height = want.height + 1; blocks.has(height) && items.length < BLOCKS_MAX; height++) {
    const { proposal } = blocks.get(height)!
    const certificate = proposal && certificates.get(headerDigest(proposal.header))
    items.push({ ...(proposal && { proposal }), ...(certificate && { certificate }) })
  }
  return { type: 'batch', items, height: disk.applied.at(-1)?.point.height ?? 0 }
}
