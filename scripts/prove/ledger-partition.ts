import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { checkHistory, type HistoryOperation } from '@cairn/ledger/testing'
import { CAIRN } from '../../test/e2e/cairn-process.ts'
import type { Scene } from '../../test/e2e/harness.ts'
import { Lab, labObstacle } from '../../test/bench/lab.ts'
import { RoleProcess } from '../../test/bench/process.ts'
import type { Claim } from './proof.ts'

const SEATS = 7
/** A minority that the others do without, and one without which nobody is a quorum. */
const [FEW, MANY] = [2, 3]
const CLIENT_PORT = 4400
const CLIENT = fileURLToPath(new URL('ledger-client.ts', import.meta.url))
const ANSWERS = 20
/** Until what was on its way has arrived, and then how long nothing may happen. */
const SETTLE_MS = 5000
const STILL_MS = 6000
const PATIENCE_MS = 120_000

interface Status {
  readonly answered: number
  readonly height: number
  readonly stateRoot: string
}

/** Seven seats, each with its clients in a network namespace of its own, that are parted and brought together again. */
export async function provePartition(scene: Scene, seed: string): Promise<readonly Claim[]> {
  const obstacle = labObstacle()
  if (obstacle !== undefined) {
    console.log(`the partition is left out: ${obstacle}`)
    return []
  }
  const directory = scene.path('parted')
  await scene.succeed('ledger', 'init', directory, '--preset', 'bft-7')
  const names = Array.from({ length: SEATS }, (_, seat) => `seat ${seat}`)
  const work = scene.path('lab')
  await mkdir(work)
  using lab = await Lab.create(names, work)
  const seats = lab.sites.map((site, seat) => {
    const address = ({ address, port }: typeof site): string => `/ip4/${address}/tcp/${port}`
    const peers = lab.sites.filter((other) => other !== site).flatMap((other) => ['--peer', address(other)])
    const args = [
      'ledger',
      'run',
      directory,
      '--seat',
      String(seat),
      '--listen',
      address(site),
      '--client-port',
      String(CLIENT_PORT),
      ...peers,
    ]
    return new RoleProcess({ role: site.name, ...site.run(process.execPath, [CAIRN, ...args]) })
  })
  const clients: Clients[] = []
  try {
    for (const seat of seats) await seat.line(/clients http/)
    for (const [index, site] of lab.sites.entries()) {
      const args = [CLIENT, directory, `http://127.0.0.1:${CLIENT_PORT}`, `p${index}-`, `${seed}/${index}`]
      clients.push(new Clients(new RoleProcess({ role: `clients ${index}`, ...site.run(process.execPath, args) })))
    }
    return await part(lab, names, clients)
  } finally {
    await Promise.all([...clients.map(({ process }) => process.crash()), ...seats.map((seat) => seat.stop())])
  }
}

async function part(lab: Lab, names: readonly string[], clients: readonly Clients[]): Promise<readonly Claim[]> {
  const goOn = async (some: readonly Clients[]): Promise<void> => {
    const before = some.map(({ answered }) => answered)
    await until('answers to clients', () => some.every(({ answered }, index) => answered >= (before[index] ?? 0) + ANSWERS))
  }
  await goOn(clients)
  lab.split(names.slice(0, FEW))
  await delay(SETTLE_MS)
  const few = clients.slice(0, FEW)
  const stillBefore = few.map(({ height }) => height)
  await goOn(clients.slice(FEW))
  await delay(STILL_MS)
  const fewStill = few.every(({ height }, index) => height === stillBefore[index])
  lab.heal()
  await goOn(clients)
  console.log(`parted ${FEW} of ${SEATS}: the others went on; healed`)

  lab.split(names.slice(0, MANY))
  await delay(SETTLE_MS)
  const before = clients.map(({ height }) => height)
  await delay(STILL_MS)
  const allStill = clients.every(({ height }, index) => height === before[index])
  lab.heal()
  await goOn(clients)
  console.log(`parted ${MANY} of ${SEATS}: nobody went on; healed`)

  const histories = await Promise.all(clients.map((each) => each.history()))
  const history = histories.flat()
  await until('all seats to have one root', () => commonRoots(clients) !== undefined)
  const kept = await Promise.all(clients.map((each) => each.kept()))
  const acknowledged = kept.reduce((sum, each) => sum + each.acknowledged, 0)
  const missing = kept.reduce((sum, each) => sum + each.missing, 0)
  const verdict = checkHistory(history)
  if (verdict.type === 'violation') console.log(verdict.report)
  return [
    { claim: `parted from ${FEW} seats the other ${SEATS - FEW} go on, and the ${FEW} do not`, holds: fewStill },
    { claim: `parted into ${MANY} and ${SEATS - MANY} nobody goes on`, holds: allStill },
    { claim: `healed: of ${acknowledged} acknowledged keys ${missing} are lost`, holds: missing === 0 && acknowledged > 0 },
    { claim: `healed: what ${history.length} operations were told is ${verdict.type}`, holds: verdict.type === 'linearizable' },
    { claim: `healed: all seats have one state root at height ${commonRoots(clients)}`, holds: commonRoots(clients) !== undefined },
  ]
}

/** What the clients of one seat print. */
class Clients {
  readonly process: RoleProcess

  constructor(process: RoleProcess) {
    this.process = process
  }

  get answered(): number {
    return this.statuses.at(-1)?.answered ?? 0
  }

  get height(): number {
    return this.statuses.at(-1)?.height ?? 0
  }

  get statuses(): readonly Status[] {
    const lines = this.process.lines.filter((line) => line.startsWith('{"type":"status"'))
    return lines.map((line) => JSON.parse(line) as Status)
  }

  async history(): Promise<readonly HistoryOperation[]> {
    this.process.kill('SIGINT')
    const [line] = await this.process.line(/^\{"type":"history".*$/)
    return (JSON.parse(line) as { readonly history: readonly HistoryOperation[] }).history
  }

  async kept(): Promise<{ readonly acknowledged: number; readonly missing: number }> {
    this.process.kill('SIGHUP')
    const [line] = await this.process.line(/^\{"type":"kept".*$/)
    return JSON.parse(line) as { readonly acknowledged: number; readonly missing: number }
  }
}

/** The newest height at which all seats were seen lately, if with one root; `undefined` while there is none. */
function commonRoots(clients: readonly Clients[]): number | undefined {
  const seen = clients.map(({ statuses }) => new Map(statuses.slice(-20).map(({ height, stateRoot }) => [height, stateRoot])))
  const [first] = seen
  for (const [height, root] of [...(first ?? [])].toReversed()) {
    if (seen.every((each) => each.get(height) === root)) return height
  }
  return undefined
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const started = performance.now()
  while (!holds()) {
    if (performance.now() - started > PATIENCE_MS) throw new Error(`still waiting for ${what}`)
    await delay(100)
  }
}
