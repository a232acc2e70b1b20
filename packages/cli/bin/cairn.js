#!/usr/bin/env node
// Parseable by every Node since 12, so that an old one is told what is missing instead of a syntax error.
import { existsSync, readdirSync, statSync } from 'fs'
import { fileURLToPath } from 'url'
import { setFlagsFromString } from 'v8'

const NODE_MAJOR_MIN = 24
const found = process.versions.node

if (Number(found.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write('cairn needs Node ' + NODE_MAJOR_MIN + ' or newer, this is Node ' + found + '.\n')
  process.exitCode = 1
} else {
  limitYoungGeneration()
  import('module')
    .then(function (module) {
      // Half of a short command's time is compiling: from the second start on it is read from the cache of Node.
      module.enableCompileCache()
      return import(entry().href)
    })
    .then(function (module) {
      return module.main(process.argv.slice(2))
    })
    .then(function (exitCode) {
      // Everything has been stopped and written; what a dependency has left open must not keep a finished command alive.
      process.exit(exitCode)
    })
    .catch(function (error) {
      process.stderr.write('cairn: cannot start: ' + (process.env.CAIRN_DEBUG === '1' ? error.stack : error.message) + '\n')
      process.exitCode = 1
    })
}

// A published package has JavaScript. A checkout has TypeScript, and a bundle of it: made by `npm ci`, and used for as long as no source has
// been touched since.
function entry() {
  const published = new URL('../src/main.js', import.meta.url)
  const source = new URL('../src/main.ts', import.meta.url)
  const bundle = new URL('../dist/main.js', import.meta.url)
  if (existsSync(published)) return published
  return existsSync(bundle) && !isOlder(statSync(bundle).mtimeMs) ? bundle : source
}

// Whether a source of any package is younger than `bundledMs`. A file that is gone has touched its directory.
function isOlder(bundledMs) {
  const packages = fileURLToPath(new URL('../../', import.meta.url))
  return readdirSync(packages).some(function (name) {
    const sources = packages + name + '/src/'
    return (
      existsSync(sources) &&
      ['.'].concat(readdirSync(sources, { recursive: true })).some(function (path) {
        return statSync(sources + path).mtimeMs > bundledMs
      })
    )
  })
}

// Every byte that is moved passes through buffers that live for milliseconds. Their memory is outside of V8's heap and counts towards its
// next full collection until a collection of the young generation has freed it; so that one has to come soon. With 1 MiB an origin that
// serves 1 GiB spends less than half of the processor time that it spends with V8's own choice, and its memory peaks lower.
// V8 reads the limit of the young generation at its start only, but by what factor to grow looks up each time: with 1 it stays at the 1 MiB
// that it begins with, and nobody has to start twice.
function limitYoungGeneration() {
  const isSet = process.execArgv.concat(process.env.NODE_OPTIONS || '').some(function (argument) {
    return argument.includes('semi-space')
  })
  // The threads of publish have limits of their own.
  if (isSet || !['cache', 'join', 'origin'].includes(process.argv[2])) return
  setFlagsFromString('--semi-space-growth-factor=1')
}
