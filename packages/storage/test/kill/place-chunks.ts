// Joins into argv[2], from where it was left, and prints the number of each chunk that is in place; ends when all are.
import { plainFrame } from '@cairn/protocol'
import { openPlaceStore, PlacingThread } from '../../src/index.ts'
import { killSnapshot } from './kill-snapshot.ts'

const { index, plain } = killSnapshot
await using placer = new PlacingThread()
await using store = await openPlaceStore({ path: process.argv[2]!, index, placer })
const missing = Array.from({ length: index.chunksCount }, (_, i) => i).filter((i) => !store.have.get(i))
for (let at = 0; at < missing.length; at += 8) {
  await Promise.all(
    missing.slice(at, at + 8).map(async (chunk) => {
      await store.deliver(chunk, plainFrame(plain(chunk)))
      process.stdout.write(`${chunk}\n`)
    }),
  )
}
process.stdout.write('finishing\n')
await store.finish()
