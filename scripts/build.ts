// Builds what is published: JavaScript, source maps and types in one directory for each package, ready for `npm publish`.
//
//   node scripts/build.ts           into dist/npm, which is emptied first
//   node scripts/build.ts OUT       into OUT, as it is
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from './build/compile.ts'
import { stagePackages } from './build/stage.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const home = join(root, 'dist', 'npm')
const out = process.argv[2] === undefined ? home : resolve(process.argv[2])

try {
  if (out === home) await rm(out, { recursive: true, force: true })
  await compile(root, out)
  for (const name of await stagePackages(root, out)) console.log(`built ${name}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
