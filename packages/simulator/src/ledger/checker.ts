import {
  type Effect,
  EMPTY_PAYLOAD_ROOT,
  type EngineEvent,
  headerDigest,
  type LogRecord,
  type Member,
  type Message,
  payloadFacts,
  type Ready,
  SKIP,
  type Vote,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { ChainChecker } from './chain-checker.ts'
import type { Anchor, AppliedEntry } from './disk.ts'
import { INVALID_MARK } from './invalid-mark.ts'
import { EpochChecker } from './epoch-checker.ts'
import { insist } from './invariant.ts'
import type { Replica } from './replica.ts'
import { checkBounds, checkFormed, checkRule } from './seat-checks.ts'
import { VoteChecker } from './vote-checker.ts'

const NO_SIGNATURE = new Uint8Array(0)

/** What is known of one honest replica beyond its state. */
interface Watched {
  /** Names of votes, proposals and payloads that its disk holds. */
  readonly durable: Set<string>
  /** Own proposals by epoch and slot. */
  readonly proposals: Map<string, string>
  /** Highest epoch whose end it has seen in this life. */
  ended: number
  appliedHeight: number
  /** Highest final block in this life. */
  finalHeight: number | undefined
}

/** Checks every step of every replica that keeps the rules, against what all of them ever said. */
export class Checker {
  readonly votes: VoteChecker
  readonly chain: ChainChecker
  readonly #epochs = new EpochChecker()
  readonly #isHonest: (node: number) => boolean
  readonly #watched = new Map<Replica, Watched>()

  constructor(chain: ChainChecker, votes: VoteChecker, isHonest: (node: number) => boolean) {
    this.chain = chain
    this.votes = votes
    this.#isHonest = isHonest
  }

  stepped(host: Replica, event: EngineEvent, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'persist') this.#persisted(host, effect.records)
      if (effect.type !== 'emit') continue
      const notice = effect.event
      if (notice.type === 'epoch-started') this.votes.enter(notice.start.number, notice.start.committee)
      if (!this.#isHonest(host.node)) continue
      if (notice.type === 'epoch-ended') this.#of(host).ended = notice.epoch
      if (notice.type === 'epoch-started') this.#epochs.started(host, notice.start)
      insist(notice.type !== 'halted', 'S1', () => `node ${host.node} found two final blocks and halted`)
    }
    if (this.#isHonest(host.node)) {
      this.#checkFinal(host, effects)
      checkFormed(host, event)
      checkBounds(host)
    }
  }

  synced(host: Replica, records: readonly LogRecord[]): void {
    for (const record of records) this.#durable(host, record)
  }

  /** A message leaves a replica that keeps the rules. */
  left(host: Replica, message: Message): void {
    if (message.type === 'vote') this.#checkVote(host, message.vote)
    else if (message.type === 'proposal') this.#checkProposal(host, message)
    else if (message.type === 'payload') this.chain.learnPayload(message.payload)
    else if (message.type === 'certificate') this.#checkCertificates(host, [message.certificate])
    else if (message.type === 'batch')
      this.#checkCertificates(
        host,
        message.items.flatMap(({ certificate }) => certificate ?? []),
      )
  }

  applied(host: Replica, entry: AppliedEntry): void {
    if (!this.#isHonest(host.node)) return
    const watched = this.#of(host)
    this.chain.applied(entry, watched.appliedHeight, host.node)
    watched.appliedHeight = entry.point.height
  }

  /** P5, S13: the state that a log was forgotten for is on disk, and what its seat has said in slots that may be open still is, too. */
  pruned(host: Replica, { point }: Anchor): void {
    insist(host.disk.durableHeight >= point.height, 'P5', () => `node ${host.node} forgot its log for a state that it may lose`)
    const kept = new Set(host.disk.records.map(nameOf))
    for (const name of this.#of(host).durable) {
      const [type, , slot] = name.split('/')
      const isOpen = (type === 'vote' || type === 'proposed') && Number(slot) > point.slot
      insist(!isOpen || kept.has(name), 'S13', () => `node ${host.node} forgot ${name} for the state of slot ${point.slot}`)
    }
  }

  /** P7: a fetched state is on disk. It is that of a block which is final, it is the one that others had, and it is no step back. */
  installed(host: Replica, { start, point }: Anchor): void {
    const watched = this.#of(host)
    insist(point.height > watched.appliedHeight, 'S10', () => `node ${host.node} went back to the state of height ${point.height}`)
    this.chain.installed(host.disk.applied, point, host.node)
    watched.appliedHeight = point.height
    watched.finalHeight = Math.max(host.state?.final.height ?? 0, point.height)
    watched.durable.add(`epoch/${start.number}`)
    this.votes.enter(start.number, start.committee)
  }

  /** A new life begins with what the disk holds, and with no less of the state than was synced. */
  restarted(host: Replica): void {
    const watched = this.#of(host)
    const height = host.disk.applied.at(-1)?.point.height ?? 0
    watched.appliedHeight = height
    watched.durable.clear()
    watched.ended = -1
    watched.finalHeight = undefined
    for (const record of host.disk.records) this.#durable(host, record)
    const { anchor } = host.disk
    if (anchor !== undefined) watched.durable.add(`epoch/${anchor.start.number}`)
    if (host.state === undefined) return
    this.votes.enter(host.state.epoch.number, host.state.epoch.committee)
    if (this.#isHonest(host.node)) this.chain.restarted(host.state.final, height, host.node)
  }

  #durable(host: Replica, record: LogRecord): void {
    this.#of(host).durable.add(nameOf(record))
    if (record.type === 'ready' && this.#isHonest(host.node)) this.#epochs.durable(record.ready)
    // From now on the seat's own tally counts it, also where there is nobody to send it to.
    if (record.type !== 'vote') return
    const seat = this.votes.seatOf(record.epoch, String(host.node))
    if (seat >= 0) this.votes.add({ ...record, seat, signature: NO_SIGNATURE }, this.#isHonest(host.node))
  }

  #persisted(host: Replica, records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.type === 'block') this.chain.learnHeader(record.proposal.header)
      else if (record.type === 'payload') this.chain.learnPayload(record.payload)
      else if (record.type === 'epoch') this.votes.enter(record.start.number, record.start.committee)
      else if (!this.#isHonest(host.node)) continue
      else if (record.type === 'certificate') this.votes.certificate(record.certificate)
      else if (record.type === 'vote') this.#cast(host, record)
    }
  }

  /** A vote is cast: what the rules ask of a seat by what it knows. */
  #cast(host: Replica, { epoch, slot, kind, digest }: Extract<LogRecord, { readonly type: 'vote' }>): void {
    checkRule(host, epoch, slot, kind, digest)
    const name = voteName({ epoch, slot, kind, digest })
    insist(!this.#of(host).durable.has(name), 'S5', () => `node ${host.node} forgot that it had cast ${name}`)
    const isOpen = epoch === 0 || this.#of(host).durable.has(`epoch/${epoch}`)
    insist(isOpen, 'P6', () => `node ${host.node} signed in epoch ${epoch} before its record was durable`)
    insist(epoch > this.#of(host).ended, 'S14', () => `node ${host.node} voted in slot ${slot} of epoch ${epoch}, which had ended there`)
  }

  #checkFinal(host: Replica, effects: readonly Effect[]): void {
    const state = host.state
    if (state === undefined) return
    const finals = effects.flatMap((effect) => (effect.type === 'emit' && effect.event.type === 'final' ? [effect.event.point] : []))
    for (const point of finals) {
      const header = this.chain.header(point.digest)
      const parent = header && this.chain.parentOf(header)
      insist(parent !== undefined, 'S1', () => `node ${host.node} holds ${point.digest} for final, whose parent nobody knows`)
      const before = 'digest' in parent ? parent : { ...parent, digest: headerDigest(parent) }
      this.chain.final(point, before, host.node)
      const watched = this.#of(host)
      const last = watched.finalHeight
      insist(last === undefined || point.height === last + 1, 'S10', () => `node ${host.node} went from height ${last} to ${point.height}`)
      watched.finalHeight = point.height
      const ends = effects.some((effect) => effect.type === 'emit' && effect.event.type === 'epoch-ended')
      const proven = ends || point !== finals.at(-1) || finalItself(this.votes, point.epoch, point.slot, point.digest)
      insist(proven, 'R7', () => `node ${host.node} holds slot ${point.slot} for final, and the votes do not suffice`)
      const skipped = this.votes.isPossible(point.epoch, point.slot, SKIP, ['skip'])
      insist(
        !skipped || !finalItself(this.votes, point.epoch, point.slot, point.digest),
        'S2',
        () => `slot ${point.slot} is final and skipped`,
      )
    }
  }

  #checkVote(host: Replica, vote: Vote): void {
    const { durable } = this.#of(host)
    const name = voteName(vote)
    insist(durable.has(name), 'S7', () => `node ${host.node} sent ${name} before it was durable`)
    insist(
      vote.epoch === 0 || durable.has(`epoch/${vote.epoch}`),
      'P6',
      () => `node ${host.node} voted before epoch ${vote.epoch} was durable`,
    )
    this.votes.add(vote, true)
    if (vote.kind === 'final') {
      const notarised = this.votes.isPossible(vote.epoch, vote.slot, vote.digest, ['notar'])
      insist(notarised, 'R5', () => `node ${host.node} cast a final vote in slot ${vote.slot} for what is not notarised`)
    }
    if (vote.digest === SKIP || vote.kind === 'final') return
    const header = this.chain.header(vote.digest)
    insist(header !== undefined, 'S9', () => `node ${host.node} voted for a header that nobody knows`)
    const parent = this.chain.parentOf(header)
    insist(parent !== undefined, 'S9', () => `node ${host.node} voted for a block without a known parent`)
    const first = parent.epoch !== header.epoch || parent.height === 0
    const certified = first || this.votes.isPossible(header.epoch, header.parentSlot, header.parent, ['notar', 'fast', 'final'])
    insist(certified, 'S9', () => `node ${host.node} voted in slot ${header.slot} for a block whose parent is not certified`)
    for (let slot = header.parentSlot + 1; slot < header.slot; slot++) {
      const skipped = this.votes.isPossible(header.epoch, slot, SKIP, ['skip'])
      insist(skipped, 'S9', () => `node ${host.node} voted in slot ${header.slot} over slot ${slot}, which is not skipped`)
    }
    const ends = parent.epoch === header.epoch && parent.nextCommittee !== ZERO_DIGEST
    insist(!ends || header.payloadRoot === EMPTY_PAYLOAD_ROOT, 'S15', () => `node ${host.node} voted for operations after the end block`)
    const names = header.nextCommittee !== ZERO_DIGEST && (parent.epoch !== header.epoch || parent.nextCommittee === ZERO_DIGEST)
    const said = ({ publicKey }: Member): boolean => durable.has(readyName({ ...header, committee: header.nextCommittee, publicKey }))
    const warranted = !names || (durable.has(`committee/${header.nextCommittee}`) && this.votes.isQuorum(header.epoch, said))
    insist(warranted, 'R1', () => `node ${host.node} voted for a next committee without it and a quorum's word for it on disk`)
    const fine = !needsPayloadOf(host) || this.chain.payloadOf(header).every(({ body }) => body[0] !== INVALID_MARK)
    insist(fine, 'P2', () => `node ${host.node} voted for invalid operations in slot ${vote.slot}`)
    insist(header.policyRoot === host.state?.init.policyRoot, 'S18', () => `node ${host.node} voted under policies that are not in force`)
    const needsPayload = needsPayloadOf(host) && header.payloadRoot !== EMPTY_PAYLOAD_ROOT
    const stated = !needsPayload || this.chain.payloadOf(header).length === header.operationsCount
    insist(stated, 'P2', () => `node ${host.node} voted for a header that misstates its payload`)
    insist(!needsPayload || durable.has(`payload/${header.payloadRoot}`), 'P2', () => `node ${host.node} voted without the payload on disk`)
  }

  #checkProposal(host: Replica, { proposal }: Extract<Message, { readonly type: 'proposal' }>): void {
    const { header } = proposal
    const state = host.state
    this.chain.learnHeader(header)
    if (state === undefined || header.epoch !== state.epoch.number || state.slots.get(header.slot)?.proposed !== headerDigest(header))
      return
    const watched = this.#of(host)
    const name = `proposed/${header.epoch}/${header.slot}/${headerDigest(header)}`
    insist(watched.durable.has(name), 'P3', () => `node ${host.node} sent its header of slot ${header.slot} before it was durable`)
    const key = `${header.epoch}/${header.slot}`
    const before = watched.proposals.get(key) ?? headerDigest(header)
    insist(before === headerDigest(header), 'P3', () => `node ${host.node} proposed twice in slot ${header.slot}`)
    if (!watched.proposals.has(key)) this.chain.proposed(header, host.node)
    watched.proposals.set(key, headerDigest(header))
  }

  #checkCertificates(host: Replica, certificates: readonly Parameters<VoteChecker['certificate']>[0][]): void {
    if (this.#isHonest(host.node)) for (const certificate of certificates) this.votes.certificate(certificate)
  }

  #of(host: Replica): Watched {
    const known = this.#watched.get(host)
    if (known !== undefined) return known
    const fresh: Watched = { durable: new Set(), proposals: new Map(), ended: -1, appliedHeight: 0, finalHeight: undefined }
    this.#watched.set(host, fresh)
    return fresh
  }
}

function needsPayloadOf({ state }: Replica): boolean {
  const role = state?.seat === undefined ? undefined : state.epoch.committee.members[state.seat]?.role
  return role !== undefined && role !== 'vote-witness'
}

/** Whether the block's own slot made it final, and not a later one. */
function finalItself(votes: VoteChecker, epoch: number, slot: number, digest: string): boolean {
  return votes.isPossible(epoch, slot, digest, ['fast', 'final'])
}

function voteName({ epoch, slot, kind, digest }: Pick<Vote, 'epoch' | 'slot' | 'kind' | 'digest'>): string {
  return `vote/${epoch}/${slot}/${kind}/${digest}`
}

function readyName({ epoch, committee, publicKey }: Pick<Ready, 'epoch' | 'committee' | 'publicKey'>): string {
  return `ready/${epoch}/${committee}/${Buffer.from(publicKey).toString('hex')}`
}

function nameOf(record: LogRecord): string {
  switch (record.type) {
    case 'vote':
      return voteName(record)
    case 'proposed':
      return `proposed/${record.epoch}/${record.slot}/${record.digest}`
    case 'payload':
      return `payload/${payloadFacts(record.payload).root}`
    case 'block':
      return 'block'
    case 'certificate':
      return record.type
    case 'committee':
      return `committee/${record.committee.hash}`
    case 'ready':
      return readyName(record.ready)
    case 'epoch':
      return `epoch/${record.start.number}`
    default:
      return record satisfies never
  }
}
