import { SHA256_BYTES, sha256 } from './digest.ts'

const LABEL = 'cairn/fastcdc-gear32-v1'
const WORDS_PER_DIGEST = SHA256_BYTES / 4

/**
 * The 256 words of the gear hash, one per byte value: digest c of the sequence SHA-256(label ‖ c as 4 bytes) gives words 8c to 8c + 7.
 * All numbers are big-endian. Frozen: another table cuts other chunks and so names every snapshot anew.
 */
export function gearTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let counter = 0; counter < table.length / WORDS_PER_DIGEST; counter++) {
    const input = Buffer.from(`${LABEL}....`)
    input.writeUInt32BE(counter, LABEL.length)
    const digest = Buffer.from(sha256(input))
    for (let word = 0; word < WORDS_PER_DIGEST; word++) table[counter * WORDS_PER_DIGEST + word] = digest.readUInt32BE(word * 4)
  }
  return table
}
