import { generateLedger } from '../../test/datasets/index.ts'
import { LEDGER, Scene } from '../../test/e2e/harness.ts'
import { assertSameTree, treeBytes } from '../../test/e2e/trees.ts'
import { type Claim, memoryClaim, mib, type Proof, timed } from './proof.ts'

const NODES = 3
/** What a process reads besides its input: Node's and Cairn's own modules, and what it wrote itself to compare. */
const OWN_READS_BYTES_MAX = 64 * 1024 ** 2

/** A large ledger, published twice, mirrored by a cache, joined by three nodes at once; each role a process. */
export const proveBig: Proof = async ({ bytes, seed }) => {
  await using scene = await Scene.create()
  const claims: Claim[] = []
  const source = scene.path('ledger')
  await generateLedger({ path: source, bytes, seed, version: 1 })
  const sourceBytes = await treeBytes(source)
  console.log(`the ledger holds ${mib(sourceBytes)}`)

  const snapshots: unknown[] = []
  for (const name of ['first', 'second']) {
    const workspace = await scene.init(name)
    const publish = scene.cairn('publish', source, '--workspace', workspace, '--ledger', LEDGER, '--height', '1')
    const [, seconds] = await timed(() => publish.succeeded())
    const { readBytes } = publish.usage
    snapshots.push((await publish.event('published'))['snapshot'])
    console.log(`${name} publish: ${seconds.toFixed(1)} s, ${mib(sourceBytes / seconds)}/s`)
    const claim = `${name} publish reads its input once: ${mib(readBytes)} read in all`
    claims.push({ claim, holds: readBytes < sourceBytes + OWN_READS_BYTES_MAX }, memoryClaim(`${name} publish`, publish))
  }
  claims.push({ claim: `both give the same snapshot: ${snapshots.join(' = ')}`, holds: snapshots[0] === snapshots[1] })

  const workspace = scene.path('first')
  const origin = await scene.origin(workspace)
  const [cache, mirrorSeconds] = await timed(async () => {
    const cache = await scene.cache(workspace, [origin], scene.path('store'))
    await cache.process.event('mirror-complete')
    return cache
  })
  console.log(`mirrored in ${mirrorSeconds.toFixed(1)} s, ${mib(sourceBytes / mirrorSeconds)}/s`)
  const targets = Array.from({ length: NODES }, (_, i) => scene.path(`joined-${i}`))
  const nodes = targets.map((into) => scene.join({ workspace, peers: [cache], into }))
  const [, joinSeconds] = await timed(() => Promise.all(nodes.map((node) => node.succeeded())))
  console.log(`${NODES} nodes joined at once in ${joinSeconds.toFixed(1)} s, ${mib((NODES * sourceBytes) / joinSeconds)}/s together`)
  for (const [i, target] of targets.entries()) {
    await assertSameTree(target, source)
    claims.push({ claim: `node ${i} has every file as it was published`, holds: true }, memoryClaim(`node ${i}`, nodes[i]!))
  }
  return [...claims, memoryClaim('origin', origin.process), memoryClaim('cache', cache.process)]
}
