import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutant } from '../../packages/ledger/test/mutation/mutants.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a hunt through seeds found. */
export interface Hunt {
  readonly killed: boolean
  /** Seeds run, the last of which killed. */
  readonly seeds: number
  readonly preset?: string
  readonly seed?: number
  readonly invariant?: string
}

/** A copy of the ledger and of the simulator, of which one is wrong. */
export class Sandbox implements AsyncDisposable {
  readonly #home: string

  private constructor(home: string) {
    this.#home = home
  }

  /** @throws {Error} if the mutant's text does not stand exactly once where it says */
  static async create(mutant: Mutant | undefined): Promise<Sandbox> {
    const home = await mkdtemp(join(tmpdir(), 'cairn-mutant-'))
    const scope = join(home, 'node_modules', '@cairn')
    await mkdir(scope, { recursive: true })
    for (const name of ['runtime', 'ledger', 'simulator']) {
      const from = join(root, 'packages', name)
      const to = join(home, 'packages', name)
      await cp(join(from, 'src'), join(to, 'src'), { recursive: true })
      await cp(join(from, 'test'), join(to, 'test'), { recursive: true })
      await cp(join(from, 'package.json'), join(to, 'package.json'))
      await symlink(join('..', '..', 'packages', name), join(scope, name))
    }
    // As it is, where its own dependencies are found.
    await symlink(join(root, 'packages', 'protocol'), join(scope, 'protocol'))
    await cp(join(root, 'scripts', 'mutants', 'hunt.ts'), join(home, 'hunt.ts'))
    await writeFile(join(home, 'package.json'), '{ "type": "module" }')
    if (mutant !== undefined) await mutate(join(home, 'packages', 'ledger', 'src', mutant.file), mutant)
    return new Sandbox(home)
  }

  /** Runs seeds 1 to `seedsMax` of each preset until one fails. A run that hangs for `timeoutMs` is killed as well, and says so. */
  async hunt(presets: readonly string[], seedsMax: number, timeoutMs: number): Promise<Hunt> {
    const { code, out, errors } = await this.#node([join(this.#home, 'hunt.ts'), presets.join(','), String(seedsMax)], timeoutMs)
    if (code === null) return { killed: true, seeds: 0, invariant: 'TIMEOUT' }
    if (code !== 0) throw new Error(`the hunt itself failed: ${errors.slice(-2000)}`)
    return JSON.parse(out) as Hunt
  }

  /** Whether the schedules that were written by hand, rule by rule, notice. */
  async failsByHand(timeoutMs: number): Promise<boolean> {
    const { code } = await this.#node(['--test', join(this.#home, 'packages', 'ledger', 'test', 'engine', 'rules.test.ts')], timeoutMs)
    return code !== 0
  }

  async #node(args: readonly string[], timeoutMs: number): Promise<{ code: number | null; out: string; errors: string }> {
    // Under a test runner's context a nested one would skip its files.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const child = spawn(process.execPath, args, { cwd: this.#home, stdio: ['ignore', 'pipe', 'pipe'], env })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let out = ''
    let errors = ''
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (errors += part.toString()))
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearTimeout(timer)
    return { code, out, errors }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}

async function mutate(path: string, { name, file, find, replace }: Mutant): Promise<void> {
  const text = await readFile(path, 'utf8')
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`mutant "${name}": its text stands ${parts.length - 1} times in ${file}, not once`)
  await writeFile(path, parts.join(replace))
}
