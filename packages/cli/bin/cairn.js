#!/usr/bin/env node
// Parseable by every Node since 12, so that an old one is told what is missing instead of a syntax error.
import { existsSync } from 'fs'

const NODE_MAJOR_MIN = 24
const found = process.versions.node

if (Number(found.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write('cairn needs Node ' + NODE_MAJOR_MIN + ' or newer, this is Node ' + found + '.\n')
  process.exitCode = 1
} else {
  const built = new URL('../src/main.js', import.meta.url)
  const source = new URL('../src/main.ts', import.meta.url)
  import((existsSync(built) ? built : source).href)
    .then(function (module) {
      return module.main(process.argv.slice(2))
    })
    .then(function (exitCode) {
      // Whatever a dependency left open must not keep a finished command alive; this timer itself does not.
      setTimeout(function () {
        process.exit()
      }, 1000).unref()
      return (process.exitCode = exitCode)
    })
    .catch(function (error) {
      process.stderr.write('cairn: cannot start: ' + (process.env.CAIRN_DEBUG === '1' ? error.stack : error.message) + '\n')
      process.exitCode = 1
    })
}
