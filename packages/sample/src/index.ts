export { generateFlatFile, type GenerateFlatFileInit, type Insertion } from './flat-file.ts'
export {
  generateLedger,
  type GenerateLedgerInit,
  generateVersions,
  LEDGER_VERSIONS,
  type LedgerInit,
  type LedgerVersion,
  upgradeLedger,
} from './ledger.ts'
export { readLevel } from './level-writer.ts'
export { generateOddTree, ODD_ENTRIES } from './odd-tree.ts'
