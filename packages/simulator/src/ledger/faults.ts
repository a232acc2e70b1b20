import type { LedgerHost } from './host.ts'
import type { World } from './world.ts'

/** Seats that may be down at once beyond the adversary's: the safety phase goes beyond f+c on purpose, for safety does not depend on it. */
const DOWN_MS_MAX = 1500
const OPERATOR_MS = 200

/** Lets the plan's faults happen for as long as `going()`. */
export function scheduleFaults(world: World, going: () => boolean): void {
  const { plan, kernel } = world
  every(world, plan.operationEveryMs, going, () => void world.submit(world.dice.below(plan.nodesCount)))
  every(world, plan.crashEveryMs, going, () => crashSome(world, going))
  every(world, plan.pauseEveryMs, going, () => pauseSome(world))
  every(world, plan.pruneEveryMs, going, () => forgetBlocks(world, going))
  every(world, plan.partitionEveryMs, going, () => partition(world))
  // Somebody looks after processes that ended by themselves.
  if (plan.syncFailure + plan.diskFull > 0) every(world, OPERATOR_MS, going, () => world.dice.pick(world.hosts).start())
  for (const at of plan.reconfigureAtMs) kernel.schedule(at, () => world.reconfigure())
  if (plan.tricks.has('forget')) every(world, 700, going, () => forget(world))
}

/** Calls `act` at random times, `meanMs` apart on average; never if that is 0. */
function every(world: World, meanMs: number, going: () => boolean, act: () => void): void {
  if (meanMs === 0) return
  world.kernel.schedule(world.dice.between(1, 2 * meanMs), () => {
    if (!going()) return
    act()
    every(world, meanMs, going, act)
  })
}

function crashSome(world: World, going: () => boolean): void {
  const { dice, plan, kernel } = world
  const count = dice.chance(100) ? plan.nodesCount : dice.between(1, 2)
  for (const host of dice.some(world.hosts, count)) {
    if (!host.running) continue
    crash(world, host)
    kernel.schedule(dice.between(1, DOWN_MS_MAX), () => {
      if (going()) host.start()
    })
  }
}

function crash(world: World, host: LedgerHost): void {
  const { dice, plan } = world
  host.crash('killed')
  if (!world.isHonest(host.node)) return
  if (dice.chance(plan.damage) && canBurn(world)) world.spoil(host.node)
  else if (dice.chance(plan.rot)) world.rot(host.node)
}

/** A burnt key is a seat lost for good: with the adversary's seats no more than f+c. */
function canBurn(world: World): boolean {
  const { size, byzantine } = world.plan
  return byzantine.length + world.spoiltCount < size.f + size.c
}

/** Logs forget blocks, often while somebody is away that lacks them, or has nothing any more. */
function forgetBlocks(world: World, going: () => boolean): void {
  const { dice, kernel, network, counters, hosts } = world
  const host = dice.pick(hosts)
  if (!dice.chance(700) || !host.running || !world.isHonest(host.node)) return world.prune()
  counters.count('left-behind')
  if (dice.chance(400)) network.cutOff(host.node)
  else {
    host.crash('left behind')
    if (dice.chance(300) && canBurn(world)) world.lose(host.node)
  }
  kernel.schedule(dice.between(100, 800), () => {
    if (!going()) return
    world.prune()
    host.start()
    network.unite()
    // Its clients ask it for what was done while it was away.
    kernel.schedule(dice.between(200, 1000), () => world.askAgain(host.node))
  })
}

function pauseSome(world: World): void {
  const { dice, kernel } = world
  for (const host of dice.some(world.hosts, dice.between(1, 2))) {
    host.pause()
    kernel.schedule(dice.between(10, DOWN_MS_MAX), () => host.resume())
  }
}

function partition(world: World): void {
  const { dice, kernel, network } = world
  network.partition()
  kernel.schedule(dice.between(50, 2000), () => network.unite())
}

/** A seat of the adversary that loses its memory votes again. */
function forget(world: World): void {
  const { plan, dice } = world
  for (const node of plan.byzantine) {
    if (!dice.chance(500)) continue
    const host = world.hosts[node]
    world.counters.count('forget')
    host?.crash('forgets')
    host?.disk.wipe()
    host?.start()
  }
}
