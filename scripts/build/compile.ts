import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Emits every `packages/X/src` as `out/X/src`: `.js`, `.js.map` and `.d.ts`. Nothing in `out` is removed.
 *
 * @throws {Error} with the compiler's report if a type is wrong
 */
export async function compile(root: string, out: string): Promise<void> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  try {
    await promisify(execFile)(process.execPath, [tsc, '--project', join(root, 'scripts', 'tsconfig.build.json'), '--outDir', out])
  } catch (error) {
    throw new Error(`the compiler refuses:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error })
  }
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(?:js|d\.ts)$/.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    const text = await readFile(path, 'utf8')
    const rewritten = entry.name.endsWith('.js') ? rewriteModuleUrls(text) : rewriteImports(text)
    if (rewritten !== text) await writeFile(path, rewritten)
  }
}

/** The compiler rewrites `./x.ts` in imports; a worker is named by a URL, which it leaves alone: `new URL('./worker.ts', import.meta.url)`. */
export function rewriteModuleUrls(javascript: string): string {
  return javascript.replaceAll(/(new URL\(\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2,\s*import\.meta\.url\s*\))/g, '$1.js$3')
}

/** The compiler leaves `./x.ts` alone in declarations; what is next to them once published is `./x.js`. */
export function rewriteImports(declaration: string): string {
  return declaration.replaceAll(/((?:\bfrom\s*|\bimport\s*\(?\s*)(['"])\.{1,2}\/[^'"]+?)(?<!\.d)\.ts(\2)/g, '$1.js$3')
}
