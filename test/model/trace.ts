import { type CertificateKind, type CommitteeSize, type Digest, SKIP, type VoteKind } from '@cairn/ledger'

/**
 * One line of a recorded run of one epoch, as JSON. The committee comes first, a block before what is said about it, and everything else
 * in the order in which it happened: a vote when it was first handed to the network, which is after it was durable.
 */
export type TraceLine =
  | {
      readonly type: 'committee'
      readonly size: CommitteeSize
      /** Seats that are not held to the rules. */
      readonly liars: readonly number[]
      /** The block that the epoch starts from. */
      readonly base: { readonly slot: number; readonly digest: Digest }
    }
  /** A header that somebody signed as leader. */
  | { readonly type: 'block'; readonly slot: number; readonly digest: Digest; readonly parentSlot: number; readonly parent: Digest }
  /** For a block, or for {@link SKIP}. Said again, it is no new line. */
  | { readonly type: 'vote'; readonly seat: number; readonly slot: number; readonly kind: VoteKind; readonly digest: Digest }
  /** A certificate that a seat which keeps the rules formed or accepted. */
  | { readonly type: 'certificate'; readonly slot: number; readonly kind: CertificateKind; readonly digest: Digest }
  /** A block that `seat` made final. */
  | { readonly type: 'final'; readonly seat: number; readonly slot: number; readonly digest: Digest }

export class TraceError extends Error {
  override readonly name = 'TraceError'
}

/** More makes the model slow: it looks at every slot in every step. */
export const TRACE_SLOTS_MAX = 64
export const TRACE_LINES_MAX = 20_000

/** A step of the replay, with the line that it stands for. Slots count from the base, values are SKIP or a block of the slot. */
export interface Move {
  readonly kind: string
  readonly seat: number
  readonly slot: number
  readonly value: number
  /** From 1. */
  readonly line: number
}

/** A recorded run in the model's terms. */
export interface Recording {
  readonly size: CommitteeSize
  readonly liars: readonly number[]
  readonly slots: number
  /** Most blocks of one slot. */
  readonly blocks: number
  readonly parents: ReadonlyMap<BlockName, BlockName>
  readonly moves: readonly Move[]
}

/** A block as the model writes it: `(slot, value)`. */
export type BlockName = `(${number}, ${number})`
const GENESIS: BlockName = '(0, 1)'
/** The seat of a move that is no seat's. */
const NOBODY = 0

/** What the model calls a certificate; `final` is a vote there. */
const CERTIFICATE_MOVES = { notar: 'notar', skip: 'skip', fast: 'fast', final: 'finalise' } as const satisfies Record<
  CertificateKind,
  string
>

/** @throws {TraceError} for lines that contradict each other or leave something out */
export function readTrace(text: string): Recording {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > TRACE_LINES_MAX) throw new TraceError(`${lines.length} lines, ${TRACE_LINES_MAX} is the most`)
  return recordingOf(lines.map((line) => JSON.parse(line) as TraceLine))
}

/** @throws {TraceError} for lines that contradict each other or leave something out */
export function recordingOf(lines: readonly TraceLine[]): Recording {
  const [head] = lines
  if (head?.type !== 'committee') throw new TraceError('the first line is not the committee')
  const { size, liars, base } = head
  // By digest: its slot after the base, and its number among the slot's blocks.
  const blocks = new Map<Digest, readonly [slot: number, value: number]>([[base.digest, [0, 1]]])
  const parents = new Map<BlockName, BlockName>()
  const counts = new Map<number, number>()
  const moves: Move[] = []
  let slots = 1
  for (const [index, line] of lines.entries()) {
    if (line.type === 'committee') {
      if (index > 0) throw new TraceError(`line ${index + 1}: a second committee`)
      continue
    }
    const slot = line.slot - base.slot
    if (!Number.isSafeInteger(slot) || slot < 1 || slot > TRACE_SLOTS_MAX) throw new TraceError(`line ${index + 1}: slot ${line.slot}`)
    slots = Math.max(slots, slot)
    if (line.type === 'block') {
      const known = blocks.get(line.digest)
      const parent = blocks.get(line.parent)
      if (parent === undefined || parent[0] !== line.parentSlot - base.slot)
        throw new TraceError(`line ${index + 1}: the parent is unknown`)
      if (known !== undefined) continue
      const value = (counts.get(slot) ?? 0) + 1
      counts.set(slot, value)
      blocks.set(line.digest, [slot, value])
      parents.set(`(${slot}, ${value})`, `(${parent[0]}, ${parent[1]})`)
      continue
    }
    const named = line.digest === SKIP ? ([slot, 0] as const) : blocks.get(line.digest)
    if (named === undefined || named[0] !== slot) throw new TraceError(`line ${index + 1}: a block that is not of slot ${line.slot}`)
    moves.push({ ...moveOf(line), slot, value: named[1], line: index + 1 })
  }
  return { size, liars, slots, blocks: Math.max(1, ...counts.values()), parents, moves }
}

function moveOf(line: Exclude<TraceLine, { readonly type: 'committee' | 'block' }>): Pick<Move, 'kind' | 'seat'> {
  switch (line.type) {
    case 'vote':
      return { kind: line.kind, seat: line.seat }
    case 'certificate':
      return { kind: CERTIFICATE_MOVES[line.kind], seat: NOBODY }
    case 'final':
      return { kind: 'decided', seat: line.seat }
    default:
      return line satisfies never
  }
}

/** The Quint module that replays a recording; it imports the chain's model. */
export function replayModule({ size, liars, slots, blocks, parents, moves }: Recording): string {
  const ancestry = new Map<BlockName, BlockName>()
  // The model wants a parent for each block that there could be; nobody votes for those that were not proposed.
  for (let slot = 1; slot <= slots; slot++) for (let value = 1; value <= blocks; value++) ancestry.set(`(${slot}, ${value})`, GENESIS)
  for (const [block, parent] of parents) ancestry.set(block, parent)
  return `module recorded {
  import chain(N = ${size.n}, F = ${size.f}, P = ${size.p}, SLOTS = ${slots}, BLOCKS = ${blocks}, LIARS = Set(${liars.join(', ')})).* from "./chain"

  pure val ANCESTRY: Block -> Block = Map(${[...ancestry].map(([block, parent]) => `${block} -> ${parent}`).join(', ')})
  pure val MOVES: List[Move] = [
${moves.map(({ kind, seat, slot, value }) => `    { kind: "${kind}", seat: ${seat}, slot: ${slot}, value: ${value} }`).join(',\n')}
  ]

  var done: int
  action replayInit = all { startReplay(ANCESTRY), done' = 0 }
  action replayStep = all { done < MOVES.length(), replay(MOVES[done]), done' = done + 1 }

  val finished = done == MOVES.length()
  // Once is enough: votes are never taken back, so that what is violated stays so.
  val safeAtEnd = finished implies safe
}
`
}
