import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = mkdtempSync(join(tmpdir(), 'cairn-e2e-compiled-'))
process.once('exit', () => rmSync(path, { recursive: true, force: true }))

/** Lets the processes of one test file share compiled modules, which halves what it costs to start one. */
export const COMPILE_CACHE: Readonly<Record<string, string>> = { NODE_COMPILE_CACHE: path }
