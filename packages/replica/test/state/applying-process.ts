// A process that applies blocks to the state in its first argument and says at which height it is, until it is killed.
import { writeSync } from 'node:fs'
import { StateStore } from '../../src/state/state-store.ts'
import { StateModel } from './blocks.ts'

const store = new StateStore({ path: process.argv[2] ?? '', heightsKept: 5 })
const model = new StateModel(store)
for (let height = store.state.height + 1; ; height++) {
  model.apply(height)
  writeSync(1, `height ${height}.\n`)
}
