import {
  type ChainPoint,
  type Committee,
  DEFAULT_SETTINGS,
  type Effect,
  type EngineEvent,
  type EngineInit,
  type LogRecord,
  type Message,
  type Operation,
  payloadFacts,
  type Signer,
  type LedgerId,
  signVote,
  taggedDigest,
  type Vote,
  ZERO_DIGEST,
} from '@cairn/ledger'
import type { Random } from '@cairn/runtime'
import { Dice } from '../kernel/dice.ts'
import { Kernel } from '../kernel/kernel.ts'
import { Adversary } from './adversary.ts'
import { ChainChecker } from './chain-checker.ts'
import { Checker } from './checker.ts'
import type { Anchor, AppliedEntry } from './disk.ts'
import { FaultCounters } from './fault-counters.ts'
import { type HostObserver, LedgerHost } from './host.ts'
import { INVALID_MARK } from './invalid-mark.ts'
import type { Keys } from './keys.ts'
import { SimulatedNetwork } from './network.ts'
import type { LedgerObserver } from './observer.ts'
import { committeeOf, type Plan } from './plan.ts'
import type { Story } from './story.ts'
import { VoteChecker } from './vote-checker.ts'

const LEDGER: LedgerId = { networkId: taggedDigest('simulated-network'), chainId: 1 }

const BASE: ChainPoint = {
  digest: taggedDigest('simulated-genesis'),
  epoch: 0,
  slot: 0,
  height: 0,
  time: 0,
  stateHeight: 0,
  nextCommittee: ZERO_DIGEST,
}

/** Everything of one run: replicas on a simulated network, an adversary, clients, and the checker that watches all of them. */
export class World implements HostObserver {
  readonly kernel = new Kernel()
  readonly counters = new FaultCounters()
  readonly plan: Plan
  readonly network: SimulatedNetwork
  readonly checker: Checker
  readonly dice: Dice
  /** One for each node, and a second one for each twin. */
  readonly hosts: readonly LedgerHost[]
  readonly #twins = new Map<number, LedgerHost>()
  readonly #byzantine: ReadonlySet<number>
  readonly #adversaries = new Map<number, Adversary>()
  readonly #keys: Keys
  readonly #keyNames: string[]
  readonly #signers = new Map<number, Map<string, Signer>>()
  readonly #burnt = new Set<number>()
  readonly #spoilt = new Set<number>()
  readonly #rotten = new Set<number>()
  readonly #story: Story | undefined
  #committee: Committee
  #operations = 0
  /** Names of the operations that are no mistake of a client's. */
  readonly #valid: string[] = []

  constructor(
    plan: Plan,
    keys: Keys,
    random: Random,
    watchers: { readonly story?: Story | undefined; readonly observer?: LedgerObserver | undefined } = {},
  ) {
    const { story, observer } = watchers
    this.plan = plan
    this.#keys = keys
    this.#story = story
    this.dice = new Dice(random.fork('world'))
    this.#byzantine = new Set(plan.byzantine)
    this.#keyNames = Array.from({ length: plan.nodesCount }, (_, node) => `${node}/0`)
    this.#committee = this.#committeeOf([...plan.roles.keys()])
    observer?.started(plan.size, plan.byzantine, BASE)
    this.checker = new Checker(new ChainChecker(BASE, observer), new VoteChecker(observer), (node) => this.isHonest(node))
    this.network = new SimulatedNetwork(this.kernel, plan, new Dice(random.fork('network')), this.counters, (from, to, message) =>
      this.#deliver(from, to, message),
    )
    this.hosts = Array.from({ length: plan.nodesCount }, (_, node) => this.#host(node, random.fork(`host ${node}`)))
    for (const node of plan.byzantine) {
      const adversary = new Dice(random.fork(`adversary ${node}`))
      const register = (vote: Vote): void => this.checker.votes.add(vote, false)
      const elsewhere = (vote: Vote): Vote => this.#signedElsewhere(vote)
      this.#adversaries.set(node, new Adversary(adversary, plan.tricks, { ledger: LEDGER, counters: this.counters, register, elsewhere }))
      if (!plan.tricks.has('twins')) continue
      this.counters.count('twins')
      this.#twins.set(node, this.#host(node, random.fork(`twin ${node}`)))
    }
    for (const host of [...this.hosts, ...this.#twins.values()]) host.start()
  }

  isHonest(node: number): boolean {
    return !this.#byzantine.has(node)
  }

  /** Whether the node's disk lost what it had promised to keep: a fault of the seat, as a crash for good is. */
  isSpoilt(node: number): boolean {
    return this.#spoilt.has(node)
  }

  /** Nodes whose disk lost what it had promised to keep. */
  get spoiltCount(): number {
    return this.#spoilt.size
  }

  /**
   * The disk of a node that is down lost what it had promised to keep. Either its log is damaged, and it comes back empty and without a key;
   * or payloads cannot be read any more that nobody else may have.
   */
  spoil(node: number): void {
    const { disk } = this.hosts[node]!
    if (this.dice.chance(400)) {
      const newest = disk.records.findLast(({ type }) => type === 'payload')
      disk.rot((record) => record === newest || this.dice.chance(300))
      this.counters.count('payloads-gone')
    } else {
      const fault = disk.damage(this.dice)
      if (fault === undefined) return
      this.counters.count(`disk-${fault}`)
      this.#burnt.add(node)
      disk.wipe()
    }
    this.#spoilt.add(node)
  }

  /** The disk of a node that is down is gone: it comes back empty and without a key. */
  lose(node: number): void {
    this.counters.count('disk-gone')
    this.#burnt.add(node)
    this.#spoilt.add(node)
    this.hosts[node]!.disk.wipe()
  }

  /**
   * Replicas that keep the rules forget their logs behind a checkpoint that f+c+1 of them have on disk. All or some are restarted, so that what
   * they have in memory is forgotten as well.
   */
  prune(): void {
    const honest = this.hosts.filter(({ node }) => this.isHonest(node))
    const heights = honest.map(({ disk }) => disk.durableHeight).toSorted((a, b) => b - a)
    const certified = heights[this.plan.size.f + this.plan.size.c] ?? 0
    const spared = this.dice.chance(600) ? 0 : 500
    for (const host of honest) {
      const anchor = host.checkpointUpTo(certified)
      if (anchor === undefined) continue
      host.prune(anchor)
      if (this.dice.chance(spared)) continue
      this.kernel.schedule(this.dice.between(1, 80), () => {
        if (!host.running) return
        host.crash('restarted')
        host.start()
      })
    }
  }

  /** Whether payloads on the node's disk could not be read any more, though others had them. */
  isRotten(node: number): boolean {
    return this.#rotten.has(node)
  }

  /** Payloads on the disk of a node that is down cannot be read any more. Of each, good copies are left for recovery to find. */
  rot(node: number): void {
    const { size, reconfigureAtMs } = this.plan
    // Seats are asked, and nobody else: copies at nodes that have none, or that may lose theirs, are not within reach.
    if (reconfigureAtMs.length > 0) return
    const copies = new Map<string, number>()
    for (const { node: other, disk } of this.hosts.slice(0, size.n)) {
      if (other === node || !this.isHonest(other) || this.isSpoilt(other)) continue
      const roots = new Set(disk.records.flatMap((record) => (record.type === 'payload' ? [payloadFacts(record.payload).root] : [])))
      for (const root of roots) copies.set(root, (copies.get(root) ?? 0) + 1)
    }
    this.hosts[node]!.disk.rot(({ payload }) => {
      // One of them outlives everyone who is stopped for good.
      if ((copies.get(payloadFacts(payload).root) ?? 0) <= size.f + size.c || !this.dice.chance(500)) return false
      this.counters.count('payload-rotted')
      this.#rotten.add(node)
      return true
    })
  }

  /** Clients hand in an operation at `node`; returns its name. */
  submit(node: number, kind: 'any' | 'valid' = 'any'): string {
    const name = `op-${this.#operations++}`
    const invalid = kind === 'any' && this.dice.chance(this.plan.invalidOperations)
    const operation: Operation = { id: name, body: new Uint8Array(8).fill(invalid ? INVALID_MARK : 1) }
    if (!invalid) this.#valid.push(name)
    this.hosts[node]?.submit(operation)
    // Clients that hear nothing ask again, elsewhere.
    if (this.dice.chance(200)) this.dice.pick(this.hosts).submit(operation)
    return name
  }

  /** Clients hand in at `node` what they, or others, have handed in before. */
  askAgain(node: number): void {
    for (const operation of this.dice.some(this.#valid, 12)) this.ask(node, operation)
  }

  /** A client that has heard nothing of a valid operation hands it in again. */
  ask(node: number, operation: string): void {
    this.hosts[node]?.submit({ id: operation, body: new Uint8Array(8).fill(1) })
  }

  /** A committee with one key rotated, or one seat given to the node that has none. */
  reconfigure(): void {
    const seats = this.#committee.members.map(({ peer }) => Number(peer))
    const spare = Array.from({ length: this.plan.nodesCount }, (_, node) => node).filter(
      (node) => !seats.includes(node) && (this.plan.roles[node] ?? 'full') === 'full',
    )
    const seat = this.dice.below(seats.length)
    if (spare.length > 0 && this.dice.chance(600)) seats[seat] = this.dice.pick(spare)
    // A key that had a seat before has been erased.
    this.#keyNames[seats[seat]!] = `${seats[seat]!}/${this.kernel.now}`
    this.#committee = this.#committeeOf(seats)
    for (const host of [...this.hosts, ...this.#twins.values()]) if (!this.dice.chance(this.plan.untold)) host.reconfigure(this.#committee)
  }

  // What hosts tell of themselves.

  stepped(host: LedgerHost, event: EngineEvent, effects: readonly Effect[]): void {
    const { trace } = this.kernel
    trace.add(host.node)
    trace.text(event.type)
    for (const effect of effects) trace.text(effect.type)
    if (host.state !== undefined) trace.add(host.state.current * 4096 + host.state.final.height)
    this.#story?.stepped(this.kernel.now, host, event, effects)
    if (!this.isHonest(host.node)) {
      for (const effect of effects)
        if (effect.type === 'send' && effect.message.type === 'vote') this.checker.votes.add(effect.message.vote, false)
    }
    this.checker.stepped(host, event, effects)
  }

  synced(host: LedgerHost, records: readonly LogRecord[]): void {
    this.checker.synced(host, records)
    // When the end of an epoch is voted for is when a log has most to remember of what lies behind.
    if (this.plan.pruneEveryMs > 0 && records.some(({ type }) => type === 'committee') && this.dice.chance(300)) this.prune()
  }

  left(host: LedgerHost, to: readonly number[], message: Message): void {
    const adversary = this.#adversaries.get(host.node)
    if (adversary === undefined) {
      this.checker.left(host, message)
      for (const node of to) this.network.send(host.node, node, message)
      return
    }
    if (host.state === undefined) return
    // Twins each talk to their own half of the others.
    const twin = this.#twins.get(host.node)
    const heard = twin === undefined ? to : to.filter((node) => (node % 2 === 0) === (host === twin) || this.dice.chance(100))
    for (const outgoing of adversary.speak({ to: heard, message, state: host.state, signer: host.state.signer })) {
      this.network.send(host.node, outgoing.to, outgoing.message)
    }
  }

  applied(host: LedgerHost, entry: AppliedEntry): void {
    this.checker.applied(host, entry)
  }

  restarted(host: LedgerHost): void {
    this.checker.restarted(host)
    this.#story?.note(this.kernel.now, host.node, 'starts')
  }

  crashed(host: LedgerHost, reason: string): void {
    this.#story?.note(this.kernel.now, host.node, `stops: ${reason}`)
  }

  pruned(host: LedgerHost, anchor: Anchor): void {
    this.checker.pruned(host, anchor)
    this.#story?.note(this.kernel.now, host.node, `forgets its log behind height ${anchor.point.height}`)
  }

  installed(host: LedgerHost, anchor: Anchor): void {
    if (this.isHonest(host.node)) this.checker.installed(host, anchor)
  }

  /** Asks somebody, who may not be there, or lie, or have nothing to offer. */
  stuck(host: LedgerHost): void {
    const source = this.dice.pick(this.hosts)
    const { node, disk } = source
    const { anchor } = disk
    if (anchor === undefined || source === host || !source.running || !this.isHonest(node)) return
    if (!this.network.isOpen(host.node, node) || !this.network.isOpen(node, host.node)) return
    if (anchor.point.height <= host.appliedHeight) return
    const state = disk.applied.filter(({ point }) => point.height <= anchor.point.height)
    const { life } = host
    this.kernel.schedule(this.dice.between(5, 200), () => {
      if (host.life !== life) return
      host.install(anchor, state)
      // Somebody looks after processes that end in the middle of it.
      if (!host.running) this.kernel.schedule(this.dice.between(1, 300), () => host.start())
    })
  }

  #deliver(from: number, to: number, message: Message): void {
    this.hosts[to]?.receive(String(from), message)
    this.#twins.get(to)?.receive(String(from), message)
  }

  /** What the seat's key signs where it serves another chain, or another network. */
  #signedElsewhere(vote: Vote): Vote {
    const member = this.#committee.members[vote.seat]!
    const signer = this.#signers.get(Number(member.peer))?.get(Buffer.from(member.publicKey).toString('hex'))
    const ledger = this.dice.chance(500) ? { ...LEDGER, chainId: 2 } : { ...LEDGER, networkId: taggedDigest('another-network') }
    return signer === undefined ? vote : signVote(ledger, signer, vote)
  }

  #committeeOf(nodes: readonly number[]): Committee {
    const members = nodes.map((node) => ({
      peer: String(node),
      publicKey: this.#signer(node, this.#keyNames[node]!).publicKey,
      role: this.plan.roles[node] ?? 'full',
    }))
    return committeeOf(this.plan.size, members)
  }

  #signer(node: number, name: string): Signer {
    const signer = this.#keys.signer(name)
    const known = this.#signers.get(node) ?? new Map<string, Signer>()
    known.set(Buffer.from(signer.publicKey).toString('hex'), signer)
    this.#signers.set(node, known)
    return signer
  }

  #host(node: number, random: Random): LedgerHost {
    const init: EngineInit = {
      ledger: LEDGER,
      settings: {
        ...DEFAULT_SETTINGS,
        leaderTimeoutMs: 200,
        idleMs: 300,
        resendMs: 150,
        fetchRetryMs: 60,
        clockSkewMsMax: 1000,
        termSlots: this.plan.termSlots,
      },
      role: this.plan.roles[node] ?? 'full',
      self: String(node),
      start: { number: 0, committee: this.#committee, base: BASE },
      verifier: this.#keys.verifier,
      signerOf: (publicKey) =>
        // What its disk says cannot be trusted, so it signs no more.
        this.#burnt.has(node) ? undefined : this.#signers.get(node)?.get(Buffer.from(publicKey).toString('hex')),
      policyRoot: ZERO_DIGEST,
    }
    const { kernel, plan, counters } = this
    return new LedgerHost(node, init, { kernel, plan, counters, dice: new Dice(random), observer: this, nodeOf: Number })
  }
}
