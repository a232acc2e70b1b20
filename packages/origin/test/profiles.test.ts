import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom, silentReporter, systemClock } from '@cairn/runtime'
import { publish, type PublishSummary, Workspace } from '../src/index.ts'
import { chooseProfile, type ProfileFigures } from '../src/publish/choose-profile.ts'
import { temporaryDirectory } from './temporary.ts'

const LEDGER = 'sample'

function figures(profile: ProfileFigures['profile'], fetched: number, manifest = 0): ProfileFigures {
  return { profile, compressed: 1, reused: 0, fetched, manifest }
}

test('a profile is left only for one that is clearly better', () => {
  const close = [figures('edge', 0.09), figures('balanced', 0.1), figures('bulk', 0.11)]
  assert.equal(chooseProfile(close, 'balanced'), 'balanced')
  assert.equal(chooseProfile(close, 'bulk'), 'bulk')
  const clear = [figures('edge', 0.05), figures('balanced', 0.1), figures('bulk', 0.2)]
  assert.equal(chooseProfile(clear, 'balanced'), 'edge')
  assert.equal(chooseProfile([figures('edge', 0.05, 0.04), figures('balanced', 0.1)], 'balanced'), 'balanced', 'the manifest counts')
  assert.equal(chooseProfile([figures('edge', 0.001), figures('balanced', 0.01)], 'balanced'), 'balanced', 'too little to gain')
  assert.equal(chooseProfile([], 'bulk'), 'bulk')
})

test('auto keeps to the parent where the profiles are alike, and says what it measured', async () => {
  await using directory = await temporaryDirectory()
  const [path, tree] = [join(directory.path, 'w'), join(directory.path, 'tree')]
  await Workspace.init(path, { ledger: LEDGER, network: 'test', clock: systemClock })
  const workspace = await Workspace.open(path, systemClock)
  await mkdir(tree)
  const publishing = async (height: number, profile: 'auto' | 'edge', bytes: Uint8Array): Promise<PublishSummary> => {
    await writeFile(join(tree, 'state'), bytes)
    await writeFile(join(tree, 'empty'), '')
    const common = {
      workspace,
      directory: tree,
      ledger: LEDGER,
      tool: 'test',
      clock: systemClock,
      reporter: silentReporter,
      threadsCount: 1,
    }
    return publish({ ...common, height, profile })
  }
  const first = await publishing(1, 'auto', noise('one'))
  assert.equal(first.profile, 'balanced')
  assert.deepEqual(
    first.profiles.map(({ profile }) => profile),
    ['edge', 'balanced', 'bulk'],
  )
  for (const { compressed, reused, fetched } of first.profiles) assert.deepEqual([compressed > 1, reused, fetched > 1], [true, 0, true])
  const forced = await publishing(2, 'edge', noise('one').fill(7, 1_000_000, 1_000_010))
  assert.deepEqual([forced.profile, forced.profiles], ['edge', []])
  const kept = await publishing(3, 'auto', noise('one').fill(8, 1_000_000, 1_000_010))
  assert.equal(kept.profile, 'edge', 'stays with the parent')
  const [edge, , bulk] = kept.profiles
  assert(edge!.reused > 0.8 && edge!.fetched < 0.01, JSON.stringify(edge))
  assert(bulk!.manifest < edge!.manifest)
})

/** Three megabytes. */
function noise(seed: string): Buffer {
  const random = seededRandom(seed)
  const buffer = Buffer.alloc(3_000_000)
  for (let at = 0; at < buffer.length; at += 4) buffer.writeUInt32LE(random.u32(), at)
  return buffer
}
