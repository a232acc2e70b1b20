/** One way to get the protocol wrong: where `find` stands once in `file` of the sources, `replace` stands instead. */
export interface Mutant {
  readonly name: string
  /** What it breaks: a rule, a persistence point or an invariant of the design. */
  readonly rule: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

function mutant(rule: string, name: string, file: string, find: string, replace: string): Mutant {
  return { rule, name, file, find, replace }
}

const THRESHOLDS: readonly Mutant[] = [
  mutant('Q', 'a quorum of one less', 'committee.ts', 'Math.floor((n + f) / 2) + 1', 'Math.max(1, Math.floor((n + f) / 2))'),
  mutant('Q', 'a quorum of one more', 'committee.ts', 'Math.floor((n + f) / 2) + 1', 'Math.floor((n + f) / 2) + 2'),
  mutant('F', 'a fast quorum of one less', 'committee.ts', 'fast: n - p,', 'fast: n - p - 1,'),
  mutant('F', 'a fast quorum of one more', 'committee.ts', 'fast: n - p,', 'fast: n - p + 1,'),
  mutant('W', 'weak evidence of one less', 'committee.ts', 'weak: f + p + 1,', 'weak: f + p,'),
  mutant('W', 'weak evidence of one more', 'committee.ts', 'weak: f + p + 1,', 'weak: f + p + 2,'),
  mutant('D', 'one payload holder less', 'committee.ts', 'holders: f + c + 1 }', 'holders: f + c }'),
  mutant('D', 'one payload holder more', 'committee.ts', 'holders: f + c + 1 }', 'holders: f + c + 2 }'),
]

const CERTIFICATES: readonly Mutant[] = [
  mutant(
    'S6',
    'fast counts extra votes',
    'certificate.ts',
    "case 'fast':\n      return vote === 'first'",
    "case 'fast':\n      return vote !== 'final'",
  ),
  mutant('S8', 'final counts first votes', 'certificate.ts', "return vote === 'final'", "return vote !== 'extra'"),
  mutant(
    'S6',
    'a certificate counts a seat twice',
    'certificate.ts',
    "if (seat <= last) throw bad(certificate, 'signers are not ascending')\n",
    '',
  ),
  mutant(
    'S8',
    'a certificate with too few signers is believed',
    'certificate.ts',
    'if (signers.length < wanted) throw',
    'if (signers.length < 1) throw',
  ),
  mutant(
    'S8',
    'signatures of certificates are not checked',
    'certificate.ts',
    'if (!verifier.verify(publicKey, signedBytes(ledger, vote, epoch, slot, digest), signature))',
    'if (signature.byteLength === 0)',
  ),
  mutant(
    'S8',
    'votes of any kind are believed in certificates',
    'certificate.ts',
    'if (!countsFor(kind, vote)) throw',
    'if (kind !== kind) throw',
  ),
  mutant(
    'D',
    'certificates are formed without payload holders',
    'engine/certify.ts',
    "if (kind !== 'skip' && holders < committee.thresholds.holders) return undefined\n",
    '',
  ),
  mutant('S8', 'certificates are formed of any votes for the block', 'engine/certify.ts', ' && countsFor(kind, each.kind))', ')'),
  mutant('S8', 'certificates of peers are not checked', 'engine/certify.ts', 'if (isTrue(state, certificate)) admit', 'admit'),
  mutant(
    'R7',
    'a notarised block is final',
    'engine/certify.ts',
    'if (FINAL_KINDS.includes(certificate.kind)) noteFinal',
    "if (certificate.kind !== 'skip') noteFinal",
  ),
  mutant(
    'R7',
    'fast certificates make nothing final',
    'engine/certify.ts',
    'if (FINAL_KINDS.includes(certificate.kind)) noteFinal',
    'if (certificate === undefined) noteFinal',
  ),
  mutant(
    'R6',
    'certificates do not advance the slot',
    'engine/certify.ts',
    'if (slot.slot >= state.current) advanceTo',
    'if (slot.slot < 0) advanceTo',
  ),
]

const VOTES: readonly Mutant[] = [
  mutant(
    'S8',
    'signatures of votes are not checked',
    'engine/tally.ts',
    'isKnown(slot, vote) || !verifyVote(state.init.ledger, epoch.committee, state.init.verifier, vote)',
    'isKnown(slot, vote) || verifyVote === undefined',
  ),
  mutant(
    'S14',
    'votes of other epochs count',
    'engine/tally.ts',
    'vote.epoch !== epoch.number || vote.seat === self',
    'vote.seat === self',
  ),
  mutant(
    'S8',
    'an own vote counts before it is durable',
    'engine/step.ts',
    '.filter((entry) => entry.token <= token)',
    '.filter((entry) => entry.token <= token + 3)',
  ),
  mutant(
    'R3',
    'extra votes are evidence as first votes are',
    'engine/tally.ts',
    'for (const vote of slot.first) if (vote?.digest === digest) count++',
    'for (const [seat, vote] of slot.first.entries()) if (vote?.digest === digest || slot.extras[seat]!.some((extra) => extra.digest === digest)) count++',
  ),
  mutant(
    'P1',
    'votes are not written down',
    'engine/vote.ts',
    "record(state, { type: 'vote', epoch: epoch.number, slot: slot.slot, kind, digest })\n",
    '',
  ),
  mutant(
    'P1',
    'votes leave before they are durable',
    'engine/vote.ts',
    "sendAfterRecords(state, state.others, { type: 'vote', vote })",
    "state.out.push({ type: 'send', to: state.others, message: { type: 'vote', vote } })",
  ),
  mutant(
    'P1',
    'messages wait for the token before theirs',
    'engine/step.ts',
    '{ ...effect, after: token } : effect)',
    '{ ...effect, after: token - 1 } : effect)',
  ),
  mutant(
    'R1',
    'a second first vote for a block',
    'engine/first-vote.ts',
    'if (slot.own.first !== undefined || !maySign(state, slot)) return\n  for',
    'if (slot.own.final !== undefined || !maySign(state, slot)) return\n  for',
  ),
  mutant(
    'R2',
    'a skip after a first vote for a block',
    'engine/first-vote.ts',
    'if (slot.own.first !== undefined || slot.slot !== state.current',
    'if (slot.own.first === SKIP || slot.slot !== state.current',
  ),
  mutant('R2', 'leaders are waited for without end', 'engine/first-vote.ts', "if (slot.timedOut) return 'timeout'\n", ''),
  mutant(
    'R2',
    'seats that first-voted are not marked',
    'engine/vote.ts',
    "if (kind === 'first') slot.own.first = digest\n",
    "if (kind === 'first') slot.own.first = undefined\n",
  ),
  mutant(
    'R5',
    'seats that closed a slot are not marked',
    'engine/vote.ts',
    'else slot.own.final = digest',
    'else slot.own.final = undefined',
  ),
  mutant('R5', 'extra votes are not marked', 'engine/vote.ts', 'slot.own.extras.push(digest)', 'slot.own.extras.splice(0)'),
  mutant(
    'R3',
    'an extra vote without a first vote',
    'engine/extra-vote.ts',
    'return slot.own.first !== undefined && slot.own.final === undefined',
    'return slot.own.final === undefined',
  ),
  mutant(
    'S5',
    'an extra vote after the final vote',
    'engine/extra-vote.ts',
    'return slot.own.first !== undefined && slot.own.final === undefined',
    'return slot.own.first !== undefined',
  ),
  mutant('R3', 'no extra votes for blocks', 'engine/extra-vote.ts', "castVote(state, slot, 'extra', digest)", 'void digest'),
  mutant('R4', 'no extra votes to skip', 'engine/extra-vote.ts', "castVote(state, slot, 'extra', SKIP)", 'void SKIP'),
  mutant('R4', 'votes for the strongest block are evidence too', 'engine/extra-vote.ts', 'if (seen - most >=', 'if (seen >='),
  mutant(
    'R3',
    'any vote is evidence for a block',
    'engine/extra-vote.ts',
    'firstVotesFor(slot, vote.digest) >= weak',
    'firstVotesFor(slot, vote.digest) >= 1',
  ),
  mutant('S5', 'a final vote after an extra vote', 'engine/final-vote.ts', 'extras.length > 0 || ', 'extras.length > 9 || '),
  mutant(
    'R5',
    'a final vote without notarisation',
    'engine/final-vote.ts',
    "if (certificateOf(state, slot.slot, first, ['notar']) === undefined) return\n",
    'void certificateOf\n',
  ),
  mutant('R5', 'no final votes', 'engine/final-vote.ts', "castVote(state, slot, 'final', first)", 'void castVote'),
]

const BLOCKS: readonly Mutant[] = [
  mutant(
    'S9',
    'the parent need not be certified',
    'engine/inspect.ts',
    'if (header.parentSlot > final.slot && certificateOf',
    'if (header.parentSlot < 0 && certificateOf',
  ),
  mutant(
    'S9',
    'slots between need not be skipped',
    'engine/inspect.ts',
    'for (let slot = header.parentSlot + 1; slot < header.slot; slot++)',
    'for (let slot = header.parentSlot + 1; slot < header.parentSlot; slot++)',
  ),
  mutant(
    'R1',
    'heights need not follow',
    'engine/inspect.ts',
    'header.height === parent.height + 1 &&',
    'header.height > parent.height &&',
  ),
  mutant('R1', 'time may go back', 'engine/inspect.ts', 'header.time >= parent.time &&', 'header.time >= 0 &&'),
  mutant(
    'S12',
    'state roots are not checked',
    'engine/inspect.ts',
    "return root === undefined || root === header.stateRoot ? 'good' : 'bad'",
    "return root === undefined || root !== '' ? 'good' : 'bad'",
  ),
  mutant(
    'P2',
    'votes do not need the payload',
    'engine/inspect.ts',
    "if (!wantsPayloads(state)) return 'good'",
    "if (wantsPayloads !== undefined) return 'good'",
  ),
  mutant(
    'R1',
    'votes do not need valid operations',
    'engine/inspect.ts',
    "if (held.verdict === 'invalid') return 'bad'\n  return held.verdict === 'valid' && held.persisted ? 'good' : 'waiting'",
    "return held.persisted ? 'good' : 'waiting'",
  ),
  mutant('P2', 'payloads are not written down', 'engine/blocks.ts', "record(state, { type: 'payload', payload })\n", ''),
  mutant('S11', 'headers are not written down', 'engine/blocks.ts', "record(state, { type: 'block', proposal })\n", ''),
  mutant('S11', 'certificates are not written down', 'engine/certify.ts', "record(state, { type: 'certificate', certificate })\n", ''),
  mutant('P9', 'effects may be durable before the proof', 'engine/step.ts', "effect.type === 'apply' || ", ''),
  mutant(
    'P3',
    'proposals are not written down',
    'engine/propose.ts',
    "record(state, { type: 'proposed', epoch: epoch.number, slot: header.slot, digest })\n",
    '',
  ),
  mutant(
    'P3',
    'proposals leave before they are durable',
    'engine/propose.ts',
    "sendAfterRecords(state, state.others, { type: 'proposal', proposal })\n",
    "send(state, state.others, { type: 'proposal', proposal })\n",
  ),
  mutant(
    'P3',
    'a leader proposes again after a crash',
    'engine/recover.ts',
    'slotOf(state, entry.slot).proposed = entry.digest',
    'slotOf(state, entry.slot).proposed = undefined',
  ),
  mutant(
    'S15',
    'operations after the block that ends the epoch',
    'engine/propose.ts',
    'if (parent.epoch === state.epoch.number && parent.nextCommittee !== ZERO_DIGEST) return EMPTY_PAYLOAD\n',
    '',
  ),
  mutant('S21', 'operations of open ancestors are proposed again', 'engine/pool.ts', 'if (taken.has(operation.id)) continue\n', ''),
  mutant('S21', 'final operations are queued again', 'engine/pool.ts', 'pool.recent.add(operation.id)\n', ''),
  mutant(
    'S12',
    'blocks are applied without their operations',
    'engine/finalise.ts',
    'if (wantsPayloads(state) && payload === undefined) return wantNextPayloads(state)\n',
    '',
  ),
  mutant(
    'R1',
    'what was waited for is not looked at again',
    'engine/evaluate.ts',
    'for (const slot of waiting) evaluateSlot(state, slot)',
    'for (const slot of waiting.slice(0, 0)) evaluateSlot(state, slot)',
  ),
]

const RECOVERY: readonly Mutant[] = [
  mutant('S4', 'first votes are forgotten in a crash', 'engine/recover.ts', 'slot.own.first = digest\n', 'slot.own.first = undefined\n'),
  mutant('S5', 'final votes are forgotten in a crash', 'engine/recover.ts', 'slot.own.final = digest\n', 'slot.own.final = undefined\n'),
  mutant('S5', 'extra votes are forgotten in a crash', 'engine/recover.ts', 'slot.own.extras.push(digest)\n', 'void slot.own.extras\n'),
  mutant(
    'P2',
    'votes are said again without the payload',
    'engine/recover.ts',
    'if (holdsFor(state, vote)) countVote',
    'if (holdsFor !== undefined) countVote',
  ),
  mutant(
    'S11',
    'blocks are applied again after a crash',
    'engine/recover.ts',
    'state.applyNext = applied.point.height + 1',
    'state.applyNext = applied.point.height',
  ),
  mutant('S21', 'the window of operations is lost in a crash', 'engine/recover.ts', 'state.pool.recent.add(id)', 'void id'),
  mutant('S14', 'the new epoch is forgotten in a crash', 'engine/recover.ts', 'enterEpoch(state, entry.start)', 'void enterEpoch'),
  mutant(
    'L1',
    'a restart replays the log in another order',
    'engine/recover.ts',
    'not known any more.\n      finalise(state)\n',
    'not known any more.\n',
  ),
  mutant(
    'L1',
    'own votes are not said again',
    'engine/stall.ts',
    'for (const vote of ownVotes(state)) sendAfterRecords',
    'for (const vote of ownVotes(state).slice(0, 0)) sendAfterRecords',
  ),
]

const EPOCHS_AND_CATCHING_UP: readonly Mutant[] = [
  mutant(
    'S14',
    'votes go on in an ended epoch',
    'engine/epochs.ts',
    'state.active = false\n',
    'state.active = state.init.settings.termSlots > 0\n',
  ),
  mutant(
    'P6',
    'votes in an epoch whose record is not durable',
    'engine/epochs.ts',
    "record(state, { type: 'epoch', start })\n  enterEpoch(state, start)",
    "record(state, { type: 'epoch', start })\n  enterEpoch(state, start)\n  state.active = true",
  ),
  mutant(
    'S15',
    'what follows the end of an epoch is history',
    'engine/finalise.ts',
    'if (ends) return endEpoch(state, block, path, target)',
    'if (ends && block === path.at(-1)) return endEpoch(state, block, path, target)',
  ),
  mutant('S15', 'blocks become final after the end of an epoch', 'engine/finalise.ts', 'state.halted || hasEnded(state)', 'state.halted'),
  mutant('L1', 'the named committee is lost in a crash', 'engine/epochs.ts', "record(state, { type: 'committee', committee })\n", ''),
  mutant(
    'L6',
    'the word of who joins is not on disk before a vote for the block that names them',
    'engine/epochs.ts',
    "if (ready !== undefined) record(state, { type: 'ready', ready })",
    'void ready',
  ),
  mutant(
    'S8',
    'any committee may be named next',
    'engine/epochs.ts',
    "wantCommittee(state, header.nextCommittee)\n  return 'waiting'",
    "wantCommittee(state, header.nextCommittee)\n  return 'good'",
  ),
  mutant(
    'L2',
    'those in the epoch before are not told the next',
    'engine/epochs.ts',
    '[...(state.closings.get(before) ?? []), { committee: start.committee }]',
    '[...(state.closings.get(before) ?? [])]',
  ),
  mutant('L1', 'what was asked in vain is not asked again', 'engine/wants.ts', 'else ask(state, entry)\n', 'else void ask\n'),
  mutant(
    'L1',
    'certificates of a slot are not asked for',
    'engine/wants.ts',
    "want(state, slotKey(slot), { type: 'slot', slot })",
    'void slot',
  ),
  mutant('L2', 'final blocks are not served', 'engine/serve.ts', 'for (; next <= state.final.height; next++)', 'for (; next < 0; next++)'),
  mutant('L2', 'missing operations are not asked for', 'engine/wants.ts', "want(state, root, { type: 'payload', root })", 'void root'),
  mutant(
    'S22',
    'payloads that nobody named are kept',
    'engine/blocks.ts',
    'if (state.unclaimed.length > PAYLOADS_UNCLAIMED_MAX) ',
    'if (state.unclaimed.length > 9 * PAYLOADS_UNCLAIMED_MAX) ',
  ),
]

/** All of them must be killed. */
export const MUTANTS: readonly Mutant[] = [...THRESHOLDS, ...CERTIFICATES, ...VOTES, ...BLOCKS, ...RECOVERY, ...EPOCHS_AND_CATCHING_UP]
