import { parseArgs } from 'node:util'
import { generateFlatFile, generateLedger, generateOddTree, generateVersions, type LedgerVersion, parseBytes } from './index.ts'

const USAGE = `usage: node test/datasets/main.ts KIND [options] --into PATH

  ledger     a LevelDB directory at --version 1, 2 or 3
  versions   PATH/v1, PATH/v2 … up to --version, each made from the one before
  flat       one file; --version 2 has --insertions runs of bytes put in
  odd        a directory with one of everything a file system allows

  --bytes 64MiB   --seed 1   --version 1   --insertions 100
`

const VERSIONS: Readonly<Record<string, LedgerVersion>> = { 1: 1, 2: 2, 3: 3 }

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '64MiB' },
      seed: { type: 'string', default: '1' },
      version: { type: 'string', default: '1' },
      insertions: { type: 'string', default: '100' },
      into: { type: 'string' },
    },
  })
  const { into, seed } = values
  const bytes = parseBytes(values.bytes)
  const version = VERSIONS[values.version]
  if (into === undefined || version === undefined) return usage()
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
