// A process that copies the first pages of the state in its second argument into the incoming state in its first, page by page, and waits then to
// be killed: whoever does that may be slow.
import { writeSync } from 'node:fs'
import { IncomingState } from '../../src/snapshot/incoming-state.ts'
import { MissingPages } from '../../src/snapshot/missing-pages.ts'
import { StateStore } from '../../src/state/state-store.ts'

const PAGES = 40

const [path = '', from = ''] = process.argv.slice(2)
const store = new StateStore({ path: from })
const { height, root } = store.state
const incoming = new IncomingState(path, height)
const missing = new MissingPages(root.hash, incoming)
for (let count = 1; !missing.isDone; count++) {
  incoming.together(() => {
    missing.look(1)
    const [hash] = missing.wanted.values()
    const page = hash && store.pageBytes(hash)
    if (page !== undefined) missing.take(page)
  })
  writeSync(1, `page ${count}.\n`)
  if (count === PAGES) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
