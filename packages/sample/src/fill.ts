import { type Random, randomBelow } from '@cairn/runtime'

/** Fills `target[start, end)` with noise: bytes that do not compress. */
export function fillRandom(random: Random, target: Buffer, start: number, end: number): void {
  let at = start
  for (; at + 4 <= end; at += 4) target.writeUInt32LE(random.u32(), at)
  for (let rest = random.u32(); at < end; at++, rest >>>= 8) target[at] = rest & 0xff
}

/** True about `perMille` times in a thousand. Always draws exactly one number, so that streams stay in step. */
export function chance(random: Random, perMille: number): boolean {
  return random.u32() % 1000 < perMille
}

/** Bytecode fragments of the sort that compilers repeat: prologues, selector tests, bounds checks, storage access. */
const FRAGMENTS = [
  '6080604052348015600f57600080fd5b50',
  '600436106100',
  '5760003560e01c80',
  '63ffffffff1681565b',
  '7f4e487b7100000000000000000000000000000000000000000000000000000000',
  '73ffffffffffffffffffffffffffffffffffffffff1690565b',
  '60405180910390fd5b',
  '81526020019081526020016000205481',
  '9050919050565b6000',
  '8152602001905092915050565b',
].map((hex) => Buffer.from(hex, 'hex'))

/** A blob of `bytes` bytes that compresses two- to threefold, as contract code does: fragments joined by noise. */
export function codeLike(random: Random, bytes: number): Buffer {
  const code = Buffer.alloc(bytes)
  for (let at = 0; at < bytes;) {
    at += FRAGMENTS[randomBelow(random, FRAGMENTS.length)]!.copy(code, at)
    const noiseEnd = Math.min(bytes, at + 2 + randomBelow(random, 10))
    fillRandom(random, code, Math.min(at, noiseEnd), noiseEnd)
    at = noiseEnd
  }
  return code
}
