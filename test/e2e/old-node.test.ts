import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { Scene } from './harness.ts'

const SYSTEM_NODE = '/usr/bin/node'
const NODE_MAJOR_MIN = 24

describe('under a Node that is too old', () => {
  const found = versionOf(SYSTEM_NODE)
  const skip =
    found === undefined ? `there is no ${SYSTEM_NODE}` : found.major >= NODE_MAJOR_MIN ? `${SYSTEM_NODE} is ${found.version}` : false

  it('the command says in one sentence which one it needs', { skip }, async () => {
    await using scene = await Scene.create()
    for (const args of [['--help'], ['join', 'mainnet'], []]) {
      const process = scene.start({ node: SYSTEM_NODE, args })
      assert.equal((await process.exit()).exitCode, 1)
      assert.equal(process.stderr, `cairn needs Node ${NODE_MAJOR_MIN} or newer, this is Node ${found?.version}.\n`)
      assert.equal(process.stdout, '')
    }
  })
})

function versionOf(node: string): { readonly version: string; readonly major: number } | undefined {
  try {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().replace(/^v/, '')
    return { version, major: Number(version.split('.')[0]) }
  } catch {
    return undefined
  }
}
