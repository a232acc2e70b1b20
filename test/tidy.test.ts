import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  lengthProblems,
  linkProblems,
  metricProblems,
  promiseProblems,
  SOURCE_LINES_MAX,
  versionProblems,
  wordProblems,
} from './tidy/conventions.ts'
import { dependencyProblems, layerProblems, libp2pProblems } from './tidy/layers.ts'
import { purityProblems } from './tidy/purity.ts'
import { readRepository, type Repository, repositoryOf } from './tidy/repository.ts'
import { codeOf, importsOf } from './tidy/scan.ts'

describe('the repository', () => {
  let repository: Repository
  before(async () => {
    repository = await readRepository(fileURLToPath(new URL('..', import.meta.url)))
  })

  it('has been read', () => {
    assert.ok(repository.files.some(({ path }) => path === 'packages/runtime/src/clock.ts'))
  })

  it('imports downwards only', () => assert.deepEqual(layerProblems(repository), []))
  it('lists the dependencies that it imports', () => assert.deepEqual(dependencyProblems(repository), []))
  it('keeps libp2p in one place', () => assert.deepEqual(libp2pProblems(repository), []))
  it('decides without clock, chance, timers, console, process, disk and sockets', () => assert.deepEqual(purityProblems(repository), []))
  it('keeps source files short', () => assert.deepEqual(lengthProblems(repository), []))
  it('leaves no markers and no holes in the types', () => assert.deepEqual(wordProblems(repository), []))
  it('links to files that exist', () => assert.deepEqual(linkProblems(repository), []))
  it('pins every dependency', () => assert.deepEqual(versionProblems(repository), []))
  it('promises in the README what the packages promise', () => assert.deepEqual(promiseProblems(repository), []))
  it('tells operators of every metric', () => assert.deepEqual(metricProblems(repository), []))
})

describe('layers', () => {
  const packages = {
    'package.json': manifest({ name: 'root', devDependencies: { 'fast-check': '1.0.0' } }),
    'packages/protocol/package.json': manifest({ name: '@cairn/protocol' }),
    'packages/policy/package.json': manifest({ name: '@cairn/policy', dependencies: { '@cairn/protocol': '0.1.0' } }),
    'packages/trust/package.json': manifest({ name: '@cairn/trust' }),
  }
  const withFile = (path: string, text: string): Repository => repositoryOf({ ...packages, [path]: text })

  it('bites on an import that points up', () => {
    assert.deepEqual(layerProblems(withFile('packages/protocol/src/x.ts', `import { a } from '@cairn/policy'`)), [
      'packages/protocol/src/x.ts: protocol must not import policy',
    ])
  })

  it('bites on an import of a sibling, also of its types and from tests', () => {
    const forms = [
      `import type { A } from '@cairn/trust'`,
      `export * from "@cairn/trust/testing"`,
      `const a = await import('@cairn/trust')`,
    ]
    for (const form of forms) assert.equal(layerProblems(withFile('packages/policy/src/x.ts', form)).length, 1, form)
    assert.equal(layerProblems(withFile('packages/policy/test/x.test.ts', forms[0]!)).length, 1)
  })

  it('bites on a path into another package and on a package without a layer', () => {
    assert.equal(layerProblems(withFile('packages/policy/src/x.ts', `import '../../protocol/src/cid.ts'`)).length, 1)
    assert.equal(layerProblems(withFile('packages/odd/package.json', manifest({ name: '@cairn/odd' }))).length, 1)
  })

  it('lets imports point down, and ignores what only looks like one', () => {
    assert.deepEqual(layerProblems(withFile('packages/policy/src/x.ts', `import { a } from '@cairn/protocol'`)), [])
    assert.deepEqual(
      layerProblems(withFile('packages/policy/src/x.ts', `// import { a } from '@cairn/trust'\nconst b = "from '@cairn/trust'"`)),
      [],
    )
  })

  it('bites on dependencies that are not listed or not used', () => {
    const used = `import { a } from '@cairn/protocol'\n`
    assert.deepEqual(dependencyProblems(withFile('packages/policy/src/x.ts', used)), [])
    assert.deepEqual(dependencyProblems(withFile('packages/policy/src/x.ts', `${used}import 'p-queue'`)), [
      'packages/policy/src/x.ts: imports p-queue, which packages/policy/package.json does not list',
    ])
    assert.deepEqual(dependencyProblems(withFile('packages/policy/test/x.test.ts', `${used}import fc from 'fast-check'`)), [
      'packages/policy/package.json: lists @cairn/protocol, which nothing imports',
    ])
  })

  it('bites on libp2p anywhere but in its adapter', () => {
    const bad = `import { createLibp2p } from 'libp2p'\nimport type { Stream } from '@libp2p/interface'\nimport '@multiformats/multiaddr'`
    assert.equal(libp2pProblems(withFile('packages/network/src/transport.ts', bad)).length, 3)
    assert.deepEqual(libp2pProblems(withFile('packages/network/src/libp2p/host.ts', bad)), [])
    assert.deepEqual(libp2pProblems(withFile('packages/network/test/libp2p/host.test.ts', bad)), [])
  })
})

describe('purity', () => {
  const problems = (text: string, path = 'packages/scheduler/src/x.ts'): string[] => purityProblems(repositoryOf({ [path]: text }))

  const impure = [
    'const now = Date.now()',
    'const now = new Date()',
    'const now = new Date',
    'const now = Date()',
    'const now = performance.now()',
    'const luck = Math.random()',
    'const luck = Math\n  .random()',
    `import { randomBytes } from 'node:crypto'`,
    'crypto.getRandomValues(bytes)',
    'setTimeout(() => {}, 10)',
    'AbortSignal.timeout(10)',
    'const later = globalThis.setTimeout',
    'console.log(1)',
    'process.exit(1)',
    `const home = \`\${process.env['HOME']}\``,
    `import { readFile } from 'node:fs/promises'`,
    `import net from 'net'`,
    `import { setTimeout as delay } from 'node:timers/promises'`,
    `import { type Clock, systemClock } from '@cairn/runtime'`,
    `export { systemRandom as random } from '@cairn/runtime'`,
    'await fetch(url)',
  ]
  for (const text of impure) it(`bites on ${text.replaceAll('\n', ' ')}`, () => assert.notDeepEqual(problems(text), []))

  const pure = [
    '// Date.now() is not ours to call',
    `const text = 'console.log(process.env)'`,
    'const text = `setTimeout ${1} Math.random()`',
    'const expires = new Date(ms).toISOString()',
    'const at = Date.parse(text)',
    `import { createHash } from 'node:crypto'`,
    `import { type Clock, seededRandom } from '@cairn/runtime'`,
    'const pattern = /console.log/',
    'this.process(1); const processed = peers.process',
    'class A { fetch(chunk: number): void {} }',
    'downloads.fetch(chunk)',
  ]
  for (const text of pure) it(`allows ${text}`, () => assert.deepEqual(problems(text), []))

  it('leaves effects to the packages that are there for them', () => {
    assert.deepEqual(problems('setTimeout(f, 1)', 'packages/runtime/src/clock.ts'), [])
    assert.deepEqual(problems('setTimeout(f, 1)', 'packages/scheduler/test/x.test.ts'), [])
    assert.notDeepEqual(problems('setTimeout(f, 1)', 'packages/swarm/src/x.ts'), [])
  })
})

describe('conventions', () => {
  it('bites on a long file', () => {
    const lines = (count: number): Repository => repositoryOf({ 'packages/x/src/a.ts': 'const a = 1\n'.repeat(count) })
    assert.deepEqual(lengthProblems(lines(SOURCE_LINES_MAX)), [])
    assert.equal(lengthProblems(lines(SOURCE_LINES_MAX + 1)).length, 1)
  })

  it('bites on markers and on holes in the types', () => {
    const marker = ['TO', 'DO'].join('')
    const bad = [`// ${marker}: later`, ['// @ts', 'ignore'].join('-'), 'const a = b as any', 'let c: any', 'new Map<any>()']
    for (const text of bad) assert.equal(wordProblems(repositoryOf({ 'packages/x/src/a.ts': text })).length, 1, text)
    assert.equal(wordProblems(repositoryOf({ 'docs/a.md': marker })).length, 1)
    assert.deepEqual(wordProblems(repositoryOf({ 'packages/x/src/a.ts': '// as good as any: any will do' })), [])
  })

  it('bites on a dead link', () => {
    const at = (text: string): string[] => linkProblems(repositoryOf({ 'docs/a.md': text, 'docs/b.md': '', 'packages/x/y.ts': '' }))
    assert.deepEqual(
      at('[b](b.md) [b](./b.md#part) [x](../packages/x) [root](/packages/x/y.ts) [web](https://example.org) [here](#part)'),
      [],
    )
    assert.deepEqual(at('`[no](link.md)`\n```\n[no](link.md)\n```\n'), [])
    assert.equal(at('[c](c.md)').length, 1)
    assert.equal(at('![c](img/c.svg "title")').length, 1)
    assert.equal(at('[c]: c.md').length, 1)
  })

  it('bites on a range of versions', () => {
    const at = (version: string): string[] =>
      versionProblems(repositoryOf({ 'package.json': manifest({ name: 'a', dependencies: { b: version } }) }))
    assert.deepEqual(at('1.2.3'), [])
    for (const version of ['^1.2.3', '1.x', '*', 'workspace:*', 'latest']) assert.equal(at(version).length, 1, version)
  })

  it('bites on a promise that the README does not make', () => {
    const at = (row: string): string[] =>
      promiseProblems(
        repositoryOf({ 'README.md': row, 'packages/x/package.json': manifest({ name: '@cairn/x', description: 'Keeps its word.' }) }),
      )
    assert.deepEqual(at('| [`@cairn/x`](packages/x) | Keeps its word. |'), [])
    assert.deepEqual(at('| x | Keeps its word. |'), [])
    assert.equal(at('| x | Keeps its words. |').length, 1)
    assert.equal(at('| y | Keeps its word. |').length, 1)
    assert.equal(at('x keeps its word.').length, 1)
  })

  it('bites on a metric that operators are not told of, and on one that nobody keeps', () => {
    const at = (row: string, source: string): string[] =>
      metricProblems(repositoryOf({ 'docs/OPERATIONS.md': row, 'packages/x/src/observation.ts': source }))
    const source = `export const METRICS = {\n  cairn_a_total: { type: 'counter' },\n}`
    assert.deepEqual(at('| `cairn_a_total` | all |', source), [])
    assert.equal(at('| `cairn_b_total` | all |', source).length, 2)
    assert.equal(at('`cairn_a_total` rises', source).length, 1)
  })
})

describe('scanning', () => {
  it('blanks strings, comments and regular expressions, and nothing else', () => {
    const cases: readonly (readonly [text: string, code: string])[] = [
      [`a('b') // c`, `a(' ')     `],
      ['a /* b\nc */ d', 'a     \n     d'],
      ['`a ${b + `c ${d}`} e` + f', '`  ${b + `  ${d}`}  ` + f'],
      ['`${{ a: 1 }}` + b', '`${{ a: 1 }}` + b'],
      [`a = /['"]/.test(b)`, 'a = /    /.test(b)'],
      ['a = b / c / d', 'a = b / c / d'],
      ['return /[/]x/', 'return /    /'],
      [String.raw`'it\'s' + a`, `'     ' + a`],
      ['"🪨" + a', '"  " + a'],
    ]
    for (const [text, code] of cases) assert.equal(codeOf(text), code)
  })

  it('finds every form of import', () => {
    const text = `import a from 'a'
      import b, { type C, d as e } from "b"
      import 'c'
      export * from 'd'
      export {
        f, // from 'nowhere'
      } from 'e'
      const g = await import('f')
      const h = Array.from('g')
      type I = import('h').I`
    assert.deepEqual(
      importsOf(text).map(({ specifier }) => specifier),
      ['a', 'b', 'c', 'd', 'e', 'f', 'h'],
    )
    assert.deepEqual(importsOf(text)[1]!.names, ['C', 'd'])
  })
})

function manifest(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(fields)
}
