import { createServer } from 'node:http'
import { bencode } from './bencode.ts'

/** The least that clients accept: peers that start a moment later shall be found. */
const INTERVAL_SECONDS = 1

/** Peers of the one torrent that it tracks, as BEP 23 packs them: IPv4 address and port, 6 bytes each. */
export class Peers {
  readonly #packed = new Map<string, Buffer>()

  add(address: string, port: number): void {
    const packed = Buffer.from([...address.split('.').map(Number), port >> 8, port & 0xff])
    this.#packed.set(`${address}:${port}`, packed)
  }

  /** The answer to an announcement from that peer: all others. */
  answer(address: string, port: number): Buffer {
    const others = [...this.#packed].filter(([peer]) => peer !== `${address}:${port}`).map(([, packed]) => packed)
    return bencode({ interval: INTERVAL_SECONDS, 'min interval': INTERVAL_SECONDS, peers: Buffer.concat(others) })
  }
}

// As a process of its own: tracker.ts ADDRESS PORT. It says where it listens, and who announced itself.
if (import.meta.main) {
  const [address, port] = process.argv.slice(2)
  const peers = new Peers()
  const server = createServer((request, response) => {
    const peer = request.socket.remoteAddress ?? ''
    // The info hash in there is not UTF-8; nothing of it is needed.
    const peerPort = Number(/[?&]port=(\d+)/.exec(request.url ?? '')?.[1])
    peers.add(peer, peerPort)
    console.log(`peer ${peer} ${peerPort}`)
    response.end(peers.answer(peer, peerPort))
  })
  server.listen(Number(port), address, () => console.log('listening'))
}
