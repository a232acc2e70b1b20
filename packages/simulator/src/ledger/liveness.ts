import type { EngineState } from '@cairn/ledger'
import { insist } from './invariant.ts'
import type { World } from './world.ts'

/** Tasks of one phase: a run that needs more is stuck in a loop. Some ten times what the largest committee uses. */
export const STEPS_MAX = 400_000

/** L1, L2: after healing, virtual time in which new blocks must be final everywhere. Backed-off timers alone take some 25 s. */
const LIVENESS_MS = 120_000
const LIVENESS_BLOCKS = 3
/** L5: for so long, and so often, clients hand in operations, all of which must have their effect. */
const ASKING_MS = 2000
const ASK_EVERY_MS = 100

/** What is left of a committee, some time after it was healed. */
export interface Recovery {
  /** Final blocks, and how many there should be by now. */
  readonly height: number
  readonly target: number
  readonly core: readonly { readonly node: number; readonly state: CoreState | undefined; readonly isRotten: boolean }[]
  /** Operations that clients handed in since, and those of them that had no effect. */
  readonly asked: number
  readonly unanswered: readonly string[]
}

type CoreState = Pick<EngineState, 'epoch' | 'current' | 'final' | 'applied'>

/** Heals a core of n−f−c seats, stops the other honest ones for good, leaves the adversary at large, and expects progress. */
export function livenessPhase(world: World): void {
  const { kernel, dice, checker } = world
  const { f, c } = world.plan.size
  const lost = world.hosts.filter(({ node }) => !world.isHonest(node) || world.isSpoilt(node))
  const fit = world.hosts.filter((host) => !lost.includes(host))
  const stopped = dice.some(fit, Math.max(0, f + c - lost.length))
  const core = fit.filter((host) => !stopped.includes(host))
  for (const host of stopped) host.stopForGood()
  world.network.heal()
  for (const host of world.hosts) if (!stopped.includes(host)) host.heal()
  for (const host of [...core, ...lost]) host.start()

  const target = checker.chain.height + LIVENESS_BLOCKS
  const unanswered = new Set<string>()
  let asked = 0
  const askUntil = kernel.now + ASKING_MS
  const ask = (): void => {
    const host = dice.pick(core)
    // Who is no seat yet, or no more, refuses: its clients go elsewhere, as do those who have not heard for long.
    if (host.state?.seat !== undefined) {
      if (kernel.now < askUntil) {
        unanswered.add(world.submit(host.node, 'valid'))
        asked++
      }
      for (const operation of unanswered) {
        if (checker.chain.isFinal(operation)) unanswered.delete(operation)
        else if (dice.chance(100)) world.ask(host.node, operation)
      }
    }
    kernel.schedule(ASK_EVERY_MS, ask)
  }
  kernel.schedule(0, ask)
  const look = (): Recovery => ({
    height: checker.chain.height,
    target,
    core: core.map(({ node, state }) => ({ node, state, isRotten: world.isRotten(node) })),
    asked,
    unanswered: [...unanswered].filter((operation) => !checker.chain.isFinal(operation)),
  })
  const isDone = (): boolean => kernel.now >= askUntil && checker.chain.height >= target && findFault(look()) === undefined
  if (kernel.run(kernel.now + LIVENESS_MS, STEPS_MAX, isDone) !== 'stopped') checkRecovery(look())
}

/** L1, L2, L3 and L5 at the end of their time. */
export function checkRecovery(recovery: Recovery): void {
  const fault = findFault(recovery)
  insist(fault === undefined, fault?.invariant ?? '', () => `${fault?.what} within ${LIVENESS_MS} ms: ${describe(recovery)}`)
}

function findFault({
  height,
  target,
  core,
  asked,
  unanswered,
}: Recovery): { readonly invariant: string; readonly what: string } | undefined {
  if (height < target) return { invariant: 'L1', what: `no ${LIVENESS_BLOCKS} new final blocks` }
  const unrepaired = core.find(({ state, isRotten }) => isRotten && state !== undefined && state.applied < state.final.height)
  if (unrepaired !== undefined) return { invariant: 'L3', what: `node ${unrepaired.node} did not get back the payloads that its disk lost` }
  const [first] = core
  const isAtTip = core.every(({ state }) => state?.final.digest === first?.state?.final.digest && state?.applied === state?.final.height)
  if (!isAtTip) return { invariant: 'L2', what: 'the core is not at one tip' }
  if (asked === 0 || unanswered.length > 0) return { invariant: 'L5', what: `no effect of ${unanswered.join(', ')}` }
  return undefined
}

function describe({ core }: Recovery): string {
  return core
    .map(({ node, state }) =>
      state === undefined
        ? `${node} down`
        : `${node}: epoch ${state.epoch.number}, slot ${state.current}, final ${state.final.height}, applied ${state.applied}`,
    )
    .join('; ')
}
