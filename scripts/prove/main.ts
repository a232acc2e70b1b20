// Proofs that take minutes and gigabytes, and print numbers; not part of the tests.
// Usage: node scripts/prove/main.ts [big|kills|crowd|stages|follow|ledger]... [--bytes 1GiB] [--kills 50] [--seed N]
import { parseArgs } from 'node:util'
import { systemRandom } from '@cairn/runtime'
import { parseBytes } from '../../test/datasets/index.ts'
import { proveBig } from './big.ts'
import { proveCrowd } from './crowd.ts'
import { proveFollow } from './follow.ts'
import { proveKills } from './kills.ts'
import { proveLedger } from './ledger.ts'
import type { Proof } from './proof.ts'
import { proveStages } from './stages.ts'

/** What there is to prove, with how large a ledger unless told otherwise. */
const PROOFS: Readonly<Record<string, { readonly prove: Proof; readonly bytes: string }>> = {
  big: { prove: proveBig, bytes: '1GiB' },
  kills: { prove: proveKills, bytes: '1GiB' },
  crowd: { prove: proveCrowd, bytes: '32MiB' },
  stages: { prove: proveStages, bytes: '128MiB' },
  ledger: { prove: proveLedger, bytes: '1KiB' },
  follow: { prove: proveFollow, bytes: '64MiB' },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    bytes: { type: 'string' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(systemRandom.u32()) },
  },
})
const names = positionals.length > 0 ? positionals : Object.keys(PROOFS)
const unknown = names.find((name) => !Object.hasOwn(PROOFS, name))
if (unknown !== undefined) {
  console.error(`there is no proof ${unknown}; there are ${Object.keys(PROOFS).join(', ')}`)
  process.exitCode = 2
} else {
  for (const name of names) {
    const { prove, bytes } = PROOFS[name]!
    const size = values.bytes ?? bytes
    console.log(`\n${name}: ${size}, SEED=${values.seed}`)
    const claims = await prove({ bytes: parseBytes(size), kills: Number(values.kills), seed: values.seed })
    for (const { claim, holds } of claims) console.log(`${holds ? 'holds' : 'FAILS'}  ${claim}`)
    if (claims.some(({ holds }) => !holds)) process.exitCode = 1
  }
}
