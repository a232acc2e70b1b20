import { parseArgs } from 'node:util'
import { parseBytes } from '../datasets/index.ts'
import { type BenchResult, formatResult, saveResult } from './harness.ts'
import { transfer } from './transfer.ts'

const USAGE = `usage: npm run bench -- TABLE [options]

  transfer    publish, 1→1 and 1→4 on loopback, beside plain TCP with SHA-256

  --bytes 1GiB    size of the sample ledger
  --runs 3        the table shows medians; every sample is kept in test/bench/results/local
  --only TEXT     rows whose name contains TEXT
  --profile       run once more under the profiler, and show the five costs that are highest
`

async function main(): Promise<BenchResult | undefined> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '1GiB' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
      profile: { type: 'boolean', default: false },
    },
  })
  switch (positionals[0]) {
    case 'transfer':
      return await transfer({ bytes: parseBytes(values.bytes), runs: Number(values.runs), only: values.only, profile: values.profile })
    default:
      return undefined
  }
}

const result = await main()
if (result === undefined) {
  console.error(USAGE)
  process.exitCode = 2
} else {
  console.log(formatResult(result))
  console.log(`every sample: ${await saveResult(result)}`)
}
