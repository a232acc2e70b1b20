import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Payload } from '../contenders/contender.ts'
import type { Row, Sample } from '../harness.ts'
import { checkArrived } from '../payload.ts'
import { RoleProcess } from '../process.ts'

export interface CairnRowsInit {
  readonly payload: Payload
  /** An empty directory to work in. */
  readonly work: string
  /** Where each role leaves its CPU profiles, in a directory of its own; unprofiled if `undefined`. */
  readonly profileInto: string | undefined
}

const CAIRN = fileURLToPath(new URL('../../../packages/cli/bin/cairn.js', import.meta.url))
const LEDGER = 'bench'

/** Publishing, and one origin to one and to four joining nodes. In this order: what is joined is what was published last. */
export function cairnRows(init: CairnRowsInit): Row[] {
  return [
    { name: 'cairn publish', measure: () => measurePublish(init) },
    { name: 'cairn 1→1', measure: () => measureJoin(init, 1) },
    { name: 'cairn 1→4', measure: () => measureJoin(init, 4) },
  ]
}

async function measurePublish(init: CairnRowsInit): Promise<Sample> {
  const { payload, work } = init
  const workspace = join(work, 'workspace')
  await rm(workspace, { recursive: true, force: true })
  await cairn(init, 'init', ['init', workspace, '--ledger', LEDGER]).succeeded()
  const started = performance.now()
  const publish = cairn(init, 'publish', ['publish', payload.directory, '--workspace', workspace, '--ledger', LEDGER, '--height', '1'])
  await publish.succeeded()
  return { values: { bytes: payload.bytes, seconds: (performance.now() - started) / 1000 }, usage: { publish: publish.usage } }
}

async function measureJoin(init: CairnRowsInit, nodes: number): Promise<Sample> {
  const { payload, work } = init
  const workspace = join(work, 'workspace')
  const into = join(work, 'joined')
  if (!existsSync(workspace)) await measurePublish(init) // when only joining was asked for
  await mkdir(into)
  await using origin = cairn(init, 'origin', ['origin', '--workspace', workspace, '--listen', '/ip4/127.0.0.1/tcp/0'])
  const [, address = ''] = await origin.line(/^listening (\S+)$/)
  const started = performance.now()
  const joining = Array.from({ length: nodes }, (_, index) => {
    const target = ['--trust', join(workspace, 'root.json'), '--peer', address, '--into', join(into, String(index))]
    return cairn(init, 'node', ['join', LEDGER, ...target], ` ${index}`)
  })
  await Promise.all(joining.map((node) => node.succeeded()))
  const seconds = (performance.now() - started) / 1000
  const usage = Object.fromEntries([origin, ...joining].map((process) => [process.role, process.usage]))
  for (let index = 0; index < nodes; index++) await checkArrived(payload, join(into, String(index)))
  await rm(into, { recursive: true })
  return { values: { bytes: payload.bytes * nodes, seconds }, usage }
}

function cairn({ profileInto }: CairnRowsInit, role: string, args: readonly string[], suffix = ''): RoleProcess {
  const profiler = profileInto === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileInto, role)}`]
  return new RoleProcess({ role: role + suffix, command: process.execPath, args: [...profiler, CAIRN, ...args] })
}
