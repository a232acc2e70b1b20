// Bundles the command line for this checkout: a start then loads some twenty files instead of 1,300.
//
//   node scripts/bundle.ts          into packages/cli/dist, where bin/cairn.js looks; `npm ci` does this
//   node scripts/bundle.ts OUT      into OUT
import { globSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { rewriteModuleUrls } from './build/compile.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(process.argv[2] ?? join(root, 'packages', 'cli', 'dist'))

/** Threads are named by URL, so each needs a file of its name beside all others. */
const workers = globSync('packages/*/src/**/*-worker.ts', { cwd: root })
const bundle = await rolldown({
  input: {
    main: join(root, 'packages', 'cli', 'src', 'main.ts'),
    ...Object.fromEntries(workers.map((path) => [basename(path, '.ts'), join(root, path)])),
  },
  platform: 'node',
  // Finds its compiled part from where it is installed.
  external: ['classic-level'],
  logLevel: 'warn',
  plugins: [{ name: 'worker-urls', transform: { filter: { id: /\.ts$/ }, handler: (code) => rewriteModuleUrls(code) } }],
})
await bundle.write({ dir: out, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', cleanDir: true })
await bundle.close()
