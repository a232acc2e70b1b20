// Puts blocks into the store of argv[2] and prints the number of each that is in; never ends by itself.
import { openFsBlockStore } from '../../src/index.ts'
import { sampleBlocks } from '../../src/testing/index.ts'

const store = await openFsBlockStore({ path: process.argv[2]! })
const blocks = sampleBlocks(64, 4096)
for (let round = 0; ; round++) {
  await Promise.all(
    blocks.map(async ({ cid, frame }, i) => {
      if (round > 0 && i % 4 === 0) await store.delete(cid)
      await store.put(cid, frame)
      process.stdout.write(`${i}\n`)
    }),
  )
  if (round % 3 === 1) await store.flush()
}
