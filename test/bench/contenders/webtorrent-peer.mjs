// One WebTorrent client with one torrent.
//
// webtorrent-peer.mjs MODULE seed|get TORRENT SAVE_PATH ADDRESS:PORT [PEER_ADDRESS:PORT ...]
//
// Prints `listening`, and `complete` when all pieces are there and checked. Stays, and serves, until it is killed.
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const [module, role, torrentFile, path, listen, ...peers] = process.argv.slice(2)
// Its native WebRTC module is neither needed here nor built: npm ran no scripts.
const NO_WEBRTC = 'data:text/javascript,export const RTCPeerConnection = 0, RTCSessionDescription = 0, RTCIceCandidate = 0'
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'webrtc-polyfill' ? { url: NO_WEBRTC, shortCircuit: true } : next(specifier, context),
})

const { default: WebTorrent } = await import(pathToFileURL(module).href)

// Everything that finds peers is off: they are given.
const client = new WebTorrent({
  dht: false,
  tracker: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  torrentPort: Number(listen.split(':')[1]),
})
client.on('error', (error) => {
  console.error(String(error))
  process.exit(1)
})
const torrent = client.add(torrentFile, { path, announce: [] })
if (role === 'get') torrent.on('done', () => console.log('complete'))
torrent.on('ready', () => {
  for (const peer of peers) torrent.addPeer(peer)
})
// A source checks what it has first; that is done when it has all of it.
torrent.on(role === 'seed' ? 'done' : 'infoHash', () => console.log('listening'))
