// Proofs that take minutes and gigabytes, and print numbers; not part of the tests.
// Usage: node scripts/prove/main.ts [big|kills]... [--bytes 1GiB] [--seed N]
import { parseArgs } from 'node:util'
import { systemRandom } from '@cairn/runtime'
import { parseBytes } from '../../test/datasets/index.ts'
import { proveBig } from './big.ts'
import { proveKills } from './kills.ts'
import type { Proof } from './proof.ts'

const PROOFS: Readonly<Record<string, Proof>> = { big: proveBig, kills: proveKills }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { bytes: { type: 'string', default: '1GiB' }, seed: { type: 'string', default: String(systemRandom.u32()) } },
})
const names = positionals.length > 0 ? positionals : Object.keys(PROOFS)
const unknown = names.find((name) => !Object.hasOwn(PROOFS, name))
if (unknown !== undefined) {
  console.error(`there is no proof ${unknown}; there are ${Object.keys(PROOFS).join(', ')}`)
  process.exitCode = 2
} else {
  for (const name of names) {
    console.log(`\n${name}: ${values.bytes}, SEED=${values.seed}`)
    const claims = await PROOFS[name]!({ bytes: parseBytes(values.bytes), seed: values.seed })
    for (const { claim, holds } of claims) console.log(`${holds ? 'holds' : 'FAILS'}  ${claim}`)
    if (claims.some(({ holds }) => !holds)) process.exitCode = 1
  }
}
