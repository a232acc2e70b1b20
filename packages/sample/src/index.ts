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
export { ledgerChanges } from './ledger-state.ts'
export { readLevel } from './level-writer.ts'
export { generateOddTree, ODD_ENTRIES } from './odd-tree.ts'
export {
  generateRecordFile,
  type GenerateRecordFileInit,
  RECORD_BYTES,
  RECORD_VALUE_BYTES,
  type RecordLayout,
  updateRecordFile,
  type UpdateRecordFileInit,
} from './record-file.ts'
export { generateSqliteLedger, type GenerateSqliteLedgerInit } from './sqlite-ledger.ts'
