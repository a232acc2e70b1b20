// One Helia node with one directory.
//
// helia-peer.mjs MODULES seed ADDRESS:PORT ROOT FILE...
// helia-peer.mjs MODULES get  ADDRESS:PORT INTO SOURCE_MULTIADDR CID [PEER_MULTIADDR ...]
//
// Prints `listening MULTIADDR CID`, and `complete` when all files are written; Bitswap verifies every block.
// Stays, and serves, until it is killed.
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

const [modules, role, listen, path, ...rest] = process.argv.slice(2)

// The packages are not this repository's: they are looked up where they were installed.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, context.parentURL === import.meta.url ? { ...context, parentURL: pathToFileURL(`${modules}/`).href } : context),
})
const load = (name) => import(name)
const { createHelia } = await load('helia')
const { unixfs } = await load('@helia/unixfs')
const { tcp } = await load('@libp2p/tcp')
const { noise } = await load('@libp2p/noise')
const { yamux } = await load('@libp2p/yamux')
const { identify } = await load('@libp2p/identify')
const { multiaddr } = await load('@multiformats/multiaddr')
const { CID } = await load('multiformats/cid')

const [address, port] = listen.split(':')
const helia = await createHelia({
  libp2p: {
    addresses: { listen: [`/ip4/${address}/tcp/${port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    peerDiscovery: [],
    services: { identify: identify() },
  },
})
await helia.start?.()
const files = unixfs(helia)
if (role === 'seed') await seed()
else await get(...rest)

async function seed() {
  let root
  for await (const entry of files.addAll(
    rest.map((file) => ({ path: file, content: createReadStream(join(path, file)) })),
    { wrapWithDirectory: true },
  )) {
    root = entry.cid
  }
  console.log(`listening ${helia.libp2p.getMultiaddrs()[0]} ${root}`)
}

async function get(source, cid, ...peers) {
  await helia.libp2p.dial(multiaddr(source))
  // Of two nodes, the one that starts later reaches the other.
  for (const peer of peers) helia.libp2p.dial(multiaddr(peer)).catch(() => {})
  await place(CID.parse(cid), path)
  console.log('complete')
}

async function place(cid, into) {
  await mkdir(into, { recursive: true })
  for await (const entry of files.ls(cid)) {
    const at = join(into, entry.name)
    if (entry.type === 'directory') await place(entry.cid, at)
    else {
      await mkdir(dirname(at), { recursive: true })
      await pipeline(files.cat(entry.cid), createWriteStream(at))
    }
  }
}
