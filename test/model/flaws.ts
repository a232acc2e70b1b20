/** A protocol that lacks one guard, or has one threshold one off; `name` is what the model calls it. */
export interface Flaw {
  readonly name: string
  readonly what: string
  /** The invariant that must fail: the worst that the flaw does, not the nearest rule that it breaks. */
  readonly breaks: string
  /** Presets that the flaw does not harm, and why. */
  readonly borne?: { readonly by: readonly string[]; readonly because: string }
}

const noLiars = (because: string): Flaw['borne'] => ({ by: ['cft3', 'cft5'], because })

/** Flaws of the rules of one slot. `agreed`: two outcomes of one slot are certified and one of them is final. */
export const SLOT_FLAWS: readonly Flaw[] = [
  { name: 'Q-1', what: 'quorums one too small', breaks: 'agreed' },
  { name: 'F-1', what: 'fast quorum one too small', breaks: 'agreed' },
  { name: 'W-1', what: 'weak quorum one too small', breaks: 'agreed' },
  {
    name: 'Q+1',
    what: 'quorums one too large',
    breaks: 'live',
    borne: { by: ['geo10'], because: 'n−f−c is more than Q there' },
  },
  { name: 'F+1', what: 'fast quorum one too large', breaks: 'fastLive' },
  { name: 'W+1', what: 'weak quorum one too large', breaks: 'live' },
  {
    name: 'tally-votes',
    what: 'a certificate counts votes, not seats',
    breaks: 'agreed',
    borne: { by: ['cft3', 'cft5', 'bft7'], because: 'an honest seat votes once for a value, and at n=7 Q has one to spare' },
  },
  { name: 'fast-extras', what: 'the fast certificate counts extra votes', breaks: 'agreed' },
  { name: 'W-votes', what: 'evidence for R3 counts votes, not seats', breaks: 'agreed', borne: noLiars('nobody votes twice for a value')! },
  { name: 'spread-liars', what: 'R4 counts a seat for each of its first votes', breaks: 'agreed', borne: noLiars('nobody has two')! },
  { name: 'spread-seen', what: 'R4 counts all first votes, also those for the strongest block', breaks: 'agreed' },
  { name: 'R1-twice', what: 'R1 without "none cast yet"', breaks: 'agreed' },
  { name: 'R3-evidence', what: 'R3 without W first votes', breaks: 'agreed' },
  { name: 'R3-final-voted', what: 'R3 without "not final-voted"', breaks: 'agreed' },
  {
    name: 'R3-payload',
    what: 'R3 without the payload',
    breaks: 's8',
    borne: { by: ['bft4', 'bft7', 'geo10'], because: 'p ≥ c, so that the W first votes come from c+1 honest holders' },
  },
  { name: 'R4-evidence', what: 'R4 without W first votes elsewhere', breaks: 'agreed' },
  { name: 'R4-final-voted', what: 'R4 without "not final-voted"', breaks: 'agreed' },
  { name: 'R5-first-vote', what: 'R5 for a block that the seat did not first-vote', breaks: 'agreed' },
  { name: 'R5-no-extra', what: 'R5 without "cast no extra vote"', breaks: 'agreed' },
  { name: 'R5-notar', what: 'R5 without NOTAR', breaks: 'live' },
  { name: 'R7-notar', what: 'R7 on NOTAR', breaks: 'agreed' },
  { name: 'P1-amnesia', what: 'P1: votes forgotten in a crash', breaks: 'agreed' },
]

/** Flaws that show in the chain. `s1`: two final blocks, neither an ancestor of the other. */
export const CHAIN_FLAWS: readonly Flaw[] = [
  { name: 'R1-gap', what: 'R1 without "every slot between has a SKIP certificate"', breaks: 's1' },
  { name: 'R1-parent', what: 'R1 without "the parent is certified"', breaks: 's1' },
  { name: 'Q-1', what: 'quorums one too small', breaks: 's1' },
  { name: 'F-1', what: 'fast quorum one too small', breaks: 's1' },
  { name: 'W-1', what: 'weak quorum one too small', breaks: 's1' },
  { name: 'R4-final-voted', what: 'R4 without "not final-voted"', breaks: 's1' },
  { name: 'R5-no-extra', what: 'R5 without "cast no extra vote"', breaks: 's1' },
  { name: 'R7-notar', what: 'R7 on NOTAR', breaks: 's1' },
]

/** Guards without which nothing in the model goes wrong. What each is for lies outside of it. */
export const SPARE_GUARDS = {
  slot: ['W-extras'],
  chain: ['R3-chain', 'R6-eager'],
} as const
