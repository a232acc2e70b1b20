import { parseArgs } from 'node:util'
import {
  generateFlatFile,
  generateLedger,
  generateOddTree,
  generateRecordFile,
  generateSqliteLedger,
  generateVersions,
  type LedgerVersion,
  parseBytes,
  type RecordLayout,
  updateRecordFile,
} from './index.ts'

const USAGE = `usage: node test/datasets/main.ts KIND [options] --into PATH

  ledger     a LevelDB directory at --version 1, 2 or 3
  versions   PATH/v1, PATH/v2 … up to --version, each made from the one before
  flat       one file; --version 2 has --insertions runs of bytes put in
  records    one file; --version 2 has new values in a --share of its records
  sqlite     the ledger in one SQLite file; --version 2 after updates and VACUUM
  odd        a directory with one of everything a file system allows

  --bytes 64MiB   --seed 1   --version 1   --insertions 100   --share 0.01   --layout scattered|clustered
`

const VERSIONS: Readonly<Record<string, LedgerVersion>> = { 1: 1, 2: 2, 3: 3 }
const LAYOUTS: Readonly<Record<string, RecordLayout>> = { scattered: 'scattered', clustered: 'clustered' }

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '64MiB' },
      seed: { type: 'string', default: '1' },
      version: { type: 'string', default: '1' },
      insertions: { type: 'string', default: '100' },
      share: { type: 'string', default: '0.01' },
      layout: { type: 'string', default: 'scattered' },
      into: { type: 'string' },
    },
  })
  const { into, seed } = values
  const bytes = parseBytes(values.bytes)
  const version = VERSIONS[values.version]
  const layout = LAYOUTS[values.layout]
  if (into === undefined || version === undefined || layout === undefined) return usage()
  switch (positionals[0]) {
    case 'ledger':
      await generateLedger({ path: into, bytes, seed, version })
      return 0
    case 'versions':
      await generateVersions({ into, bytes, seed, version })
      return 0
    case 'flat':
      if (version === 3) return usage()
      await generateFlatFile({ path: into, bytes, seed, version, insertions: Number(values.insertions) })
      return 0
    case 'records':
      if (version === 3) return usage()
      await generateRecordFile({ path: into, bytes, seed })
      if (version === 2) await updateRecordFile({ path: into, seed, share: Number(values.share), layout })
      return 0
    case 'sqlite':
      if (version === 3) return usage()
      generateSqliteLedger({ path: into, bytes, seed, version: 1 })
      if (version === 2) generateSqliteLedger({ path: into, bytes, seed, version: 2 })
      return 0
    case 'odd':
      await generateOddTree(into)
      return 0
    default:
      return usage()
  }
}

function usage(): number {
  process.stderr.write(USAGE)
  return 2
}

process.exitCode = await main()
