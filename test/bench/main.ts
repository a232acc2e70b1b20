import { parseArgs } from 'node:util'
import { parseBytes } from '../datasets/index.ts'
import { benchReport, formatReport, saveReport } from './report.ts'
import { TABLES } from './tables/index.ts'

const USAGE = `usage: npm run bench -- TABLE [options]

${Object.entries(TABLES)
  .map(([name, { summary }]) => `  ${name.padEnd(13)} ${summary}`)
  .join('\n')}

  --bytes 256MiB   size of the sample ledger
  --runs 3         tables show medians; every sample is kept in test/bench/results/local
  --only A,B       rows whose name contains one of these
  --install        install the programs to compare with: Debian packages as root, npm packages in a temporary directory
  --markdown       print tables as Markdown
  --profile        transfer: run once more under the profiler, and show the five costs that are highest
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
      install: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  })
  const table = TABLES[positionals[0] ?? '']
  const runs = Number(values.runs)
  if (table === undefined || positionals.length > 1 || !Number.isInteger(runs) || runs < 1) {
    console.error(USAGE)
    return 2
  }
  const startedAt = new Date().toISOString()
  const only = values.only.split(',').filter((text) => text !== '')
  const bytes = parseBytes(values.bytes === '' ? table.bytes : values.bytes)
  const report = benchReport(startedAt, await table.measure({ bytes, runs, only, install: values.install, profile: values.profile }))
  console.log(formatReport(report, values.markdown ? 'markdown' : 'text'))
  console.log(`\nevery sample: ${await saveReport(report)}`)
  return report.rows.some(({ fault }) => fault !== undefined) ? 1 : 0
}

process.exitCode = await main()
