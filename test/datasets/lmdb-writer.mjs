// Brings an LMDB file to a version of the sample ledger, from the version before.
//
// lmdb-writer.mjs MODULES PATH BYTES SEED VERSION
//
// The package `lmdb` is not this repository's: it is looked up in MODULES, where it was installed.
import { createRequire } from 'node:module'
import { ledgerChanges } from '@cairn/sample'

/** About what a block of a ledger changes: pages that one transaction frees are used again some later. */
const TRANSACTION_CHANGES = 1000

const [modules, path, bytes, seed, version] = process.argv.slice(2)
const { open } = createRequire(`${modules}/`)('lmdb')
const database = open({ path, noSubdir: true, encoding: 'binary', keyEncoding: 'binary', noSync: true, maxReaders: 1 })

let batch = []
for (const change of ledgerChanges({ bytes: Number(bytes), seed: Number(seed) }, Number(version))) {
  batch.push(change)
  if (batch.length === TRANSACTION_CHANGES) commit()
}
commit()
await database.close()

function commit() {
  database.transactionSync(() => {
    for (const { key, value } of batch) {
      if (value === undefined) database.removeSync(key)
      else database.putSync(key, value)
    }
  })
  batch = []
}
