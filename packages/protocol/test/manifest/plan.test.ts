import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type PlannedEntry, STAGES, planSections } from '../../src/manifest/index.ts'

const plan = (entries: readonly PlannedEntry[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(planSections(entries)).map(([stage, list]) => [stage, list.map(({ path }) => path)]))

const tree: readonly PlannedEntry[] = [
  { type: 'directory', path: 'db' },
  { type: 'file', path: 'db/head', stage: 'bootstrap' },
  { type: 'file', path: 'db/0001', stage: 'hot' },
  { type: 'file', path: 'db/0002' },
  { type: 'symlink', path: 'db/current' },
  { type: 'directory', path: 'db/lost' },
  { type: 'directory', path: 'logs' },
  { type: 'directory', path: 'logs/old' },
  { type: 'file', path: 'logs/old/1', stage: 'hot' },
  { type: 'directory', path: 'logs/old/empty' },
  { type: 'directory', path: 'archive' },
  { type: 'file', path: 'archive/1' },
  { type: 'symlink', path: 'archive/latest', stage: 'hot' },
  { type: 'symlink', path: 'readme' },
]

describe('planned sections', () => {
  it('list directories as early as anything below them, and what nothing decides for with its directory', () => {
    assert.deepEqual(plan(tree), {
      bootstrap: ['db', 'db/current', 'db/head', 'db/lost', 'readme'],
      hot: ['archive', 'archive/latest', 'db/0001', 'logs', 'logs/old', 'logs/old/1', 'logs/old/empty'],
      bulk: ['archive/1', 'db/0002'],
    })
  })

  it('are all bulk when nothing asks for more', () => {
    const { bootstrap, hot, bulk } = plan(tree.map(({ type, path }) => ({ type, path })))
    assert.deepEqual([bootstrap?.length, hot?.length, bulk?.length], [0, 0, tree.length])
  })

  it('do not depend on the order of the walk', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...tree], { minLength: tree.length }), (walked) => assert.deepEqual(plan(walked), plan(tree))),
    )
  })

  it('list every parent no later than its children', () => {
    const sections = planSections(tree)
    const order = STAGES.flatMap((stage) => sections[stage].map(({ path }) => path))
    for (const path of order) {
      const slash = path.lastIndexOf('/')
      if (slash !== -1) assert(order.indexOf(path.slice(0, slash)) < order.indexOf(path), path)
    }
  })
})
