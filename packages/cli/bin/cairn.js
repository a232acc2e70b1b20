#!/usr/bin/env node
// Parseable by every Node since 12, so that an old one is told what is missing instead of a syntax error.
import { existsSync } from 'fs'

const NODE_MAJOR_MIN = 24
const found = process.versions.node

if (Number(found.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write('cairn needs Node ' + NODE_MAJOR_MIN + ' or newer, this is Node ' + found + '.\n')
  process.exitCode = 1
} else {
  limitYoungGeneration()
  const built = new URL('../src/main.js', import.meta.url)
  const source = new URL('../src/main.ts', import.meta.url)
  import('module')
    .then(function (module) {
      // Half of a short command's time is compiling: from the second start on it is read from the cache of Node.
      module.enableCompileCache()
      return import((existsSync(built) ? built : source).href)
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

// Every byte that is moved passes through buffers that live for milliseconds. Their memory is outside of V8's heap and counts towards its
// next full collection until a collection of the young generation has freed it; so that one has to come soon. With 1 MiB an origin that
// serves 1 GiB spends less than half of the processor time that it spends with V8's own choice, and its memory peaks lower.
// V8 reads the limit at its start only, so the process replaces itself, keeping its id.
function limitYoungGeneration() {
  const flag = '--max-semi-space-size'
  const isSet = process.execArgv.concat(process.env.NODE_OPTIONS || '').some(function (argument) {
    return argument.includes(flag)
  })
  if (isSet || process.execve === undefined || !['cache', 'join', 'origin', 'publish'].includes(process.argv[2])) return
  const argv = [process.execPath, flag + '=1'].concat(process.execArgv, process.argv.slice(1))
  process.execve(process.execPath, argv, process.env)
}
