// An origin that a thief or a bad disk made of an honest one, as a process of its own: it serves a workspace's metadata without looking
// at it, and its chunks with a byte flipped.
// Usage: node faulty-origin.ts WORKSPACE every|one|none
import { randomBytes } from 'node:crypto'
import { createLibp2pTransport } from '@cairn/network'
import { Workspace } from '@cairn/origin'
import { Bitmap, type CID, isPageCid } from '@cairn/protocol'
import { silentLog, silentReporter, systemClock, systemRandom } from '@cairn/runtime'
import { type BlockSource, FsBlockReader } from '@cairn/storage'
import { Participant } from '@cairn/swarm'

/** Which chunks it alters: every one, always the same one, or none; the others it sends as they are. */
type Which = (typeof WHICH)[number]

const WHICH = ['every', 'one', 'none'] as const

async function serve(path: string, which: Which): Promise<void> {
  const workspace = await Workspace.open(path, systemClock)
  const components = { clock: systemClock, random: systemRandom, log: silentLog, reporter: silentReporter }
  const transport = await createLibp2pTransport({ ...components, privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'] })
  const { network, ledgers } = workspace
  const source = new FlippingSource(new FsBlockReader(workspace.blocksPath), which)
  const init = { network, ledgers, source, metadata: (file: string) => workspace.metadataFile(file) }
  const participant = await Participant.start(init, { ...components, transport })
  for (const ledger of ledgers) {
    for (const release of await workspace.releasesOf(ledger)) participant.hold(release.manifest, ledger, Bitmap.full(release.chunks))
  }
  for (const address of transport.addresses()) process.stdout.write(`${JSON.stringify({ type: 'listening', address })}\n`)
}

/** Sends what it has, with the last byte of some chunks' frames changed. Pages stay whole: a manifest that is refused is never downloaded. */
class FlippingSource implements BlockSource {
  readonly #blocks: BlockSource
  readonly #which: Which
  #chunksSent = 0
  #chosen: string | undefined

  constructor(blocks: BlockSource, which: Which) {
    this.#blocks = blocks
    this.#which = which
  }

  has(cid: CID): boolean {
    return this.#blocks.has(cid)
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    const frame = await this.#blocks.get(cid)
    if (frame === undefined || isPageCid(cid)) return frame
    this.#chunksSent += 1
    // Not the first, so that good ones are in place already.
    if (this.#which === 'one' && this.#chunksSent === 3) this.#chosen = cid.toString()
    return this.#which === 'every' || this.#chosen === cid.toString() ? withLastByteFlipped(frame) : frame
  }
}

function withLastByteFlipped(frame: Uint8Array): Uint8Array {
  const altered = Uint8Array.from(frame)
  altered[altered.byteLength - 1]! ^= 1
  return altered
}

const [path = '', which] = process.argv.slice(2)
await serve(path, WHICH.find((known) => known === which) ?? 'none')
