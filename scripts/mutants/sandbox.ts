import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutant } from '../../packages/ledger/test/mutation/mutant.ts'
import type { Focus, LedgerPreset } from '@cairn/simulator'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Seeds 1 to `seedsMax` of each preset, all about `focus` if there is one. */
export interface Schedule {
  readonly focus?: Focus | undefined
  readonly presets: readonly LedgerPreset[]
  readonly seedsMax: number
}

/** One schedule after the other until a seed fails, with some of the simulator's checks switched off. */
export interface HuntPlan {
  readonly schedules: readonly Schedule[]
  readonly without: readonly string[]
}

/** What a hunt through seeds found. */
export interface Hunt {
  readonly killed: boolean
  /** Seeds run, the last of which killed. */
  readonly seeds: number
  readonly preset?: string
  readonly seed?: number
  readonly focus?: Focus
  readonly invariant?: string
}

/** What of a package a sandbox has its own copy of. */
const COPIED: Readonly<Record<string, readonly string[]>> = { ledger: ['src', 'test'], simulator: ['src'], replica: ['src/log'] }

/** Schedules for rules that few seeds show. */
const BY_HAND = ['rules.test.ts', 'next-committee.test.ts', 'named-committees.test.ts']

/** A copy of the ledger, its log and the simulator, one of which is wrong. */
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
    for (const [name, parts] of Object.entries(COPIED)) {
      for (const part of [...parts, 'package.json'])
        await cp(join(root, 'packages', name, part), join(home, 'packages', name, part), { recursive: true })
      await symlink(join('..', '..', 'packages', name), join(scope, name))
    }
    // As they are, where their own dependencies are found.
    for (const name of ['protocol', 'runtime']) await symlink(join(root, 'packages', name), join(scope, name))
    await cp(join(root, 'scripts', 'mutants', 'hunt.ts'), join(home, 'hunt.ts'))
    await writeFile(join(home, 'package.json'), '{ "type": "module" }')
    if (mutant !== undefined) await mutate(join(home, 'packages', mutant.package, 'src', mutant.file), mutant)
    return new Sandbox(home)
  }

  /** Runs seeds until one fails. A run that hangs for `timeoutMs` is killed as well, and says so. */
  async hunt(plan: HuntPlan, timeoutMs: number): Promise<Hunt> {
    const { code, out, errors } = await this.#node([join(this.#home, 'hunt.ts'), JSON.stringify(plan)], timeoutMs)
    if (code === null) return { killed: true, seeds: 0, invariant: 'TIMEOUT' }
    if (code !== 0) throw new Error(`the hunt itself failed: ${errors.slice(-2000)}`)
    return JSON.parse(out) as Hunt
  }

  /** Whether the schedules that were written by hand, rule by rule, notice. */
  async failsByHand(timeoutMs: number): Promise<boolean> {
    const files = BY_HAND.map((name) => join(this.#home, 'packages', 'ledger', 'test', 'engine', name))
    const { code } = await this.#node(['--test', ...files], timeoutMs)
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
