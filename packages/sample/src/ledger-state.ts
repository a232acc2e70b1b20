// The contents of the sample ledger, as a pure function of (bytes, seed, version): an account model in the layout that
// geth's flat state uses. Keys come out in ascending order without sorting, because key number `i` of `n` is drawn from
// the i-th of `n` equal strata of the key space. Each stratum is divided: version 1 draws its key from the lower half,
// versions 2 and 3 put what they add into the third and fourth quarter, so additions keep the order too.
//
//   'a' + account hash (32)                     RLP-like account: nonce, balance, storage root, code hash (70 to 85 bytes)
//   'c' + code hash (32)                        contract code, 1 to 24 KiB
//   'o' + account hash (32) + slot hash (32)    slot value (32 bytes)
import { type Random, randomBelow, randomUnit, seededRandom } from '@cairn/runtime'
import { chance, codeLike, fillRandom } from './fill.ts'

export type LedgerVersion = 1 | 2 | 3

export interface LedgerInit {
  /** Size of the database directory to aim for at version 1; the outcome is within 10 %. At least 64 KiB. */
  readonly bytes: number
  readonly seed: number | string
}

/** One write; without a value it removes the key. */
export interface Change {
  readonly key: Buffer
  readonly value: Buffer | undefined
}

// Shares taken after Ethereum mainnet, rounded: one account in ten is a contract, contracts share code, most bytes are slots.
const CONTRACTS_PER_MILLE = 100
const CONTRACTS_PER_CODE = 32
/** Slots of a contract are 2^u for u uniform in [0, 7.5): 35 on average, 181 at most. */
const SLOTS_LOG2_MAX = 7.5
/** Database bytes for each account, its slots and its share of the code, tables and indexes included. Measured. */
const DISK_BYTES_PER_ACCOUNT = 420

const UPDATED_PER_MILLE = 50
const ADDED_PER_MILLE = 5
const SLOTS_REMOVED_PER_MILLE = 3

/** What turns version `version - 1` (or nothing, for 1) into `version`, keys ascending. */
export function* ledgerChanges(init: LedgerInit, version: LedgerVersion): Generator<Change> {
  const shape = ledgerShape(init)
  for (const account of accounts(init, shape, version))
    if (account.changed) yield { key: accountKey(account), value: encodeAccount(account) }
  if (version === 1) yield* codes(init, shape)
  const slots = new SlotStreams(init, version)
  for (const account of accounts(init, shape, version)) if (account.slots > 0) yield* slots.changes(account)
}

interface LedgerShape {
  readonly accounts: number
  readonly codes: number
}

function ledgerShape(init: LedgerInit): LedgerShape {
  const count = Math.max(100, Math.round(init.bytes / DISK_BYTES_PER_ACCOUNT))
  return { accounts: count, codes: Math.ceil((count * CONTRACTS_PER_MILLE) / 1000 / CONTRACTS_PER_CODE) }
}

interface Account {
  readonly hash: Buffer
  nonce: number
  balance: Buffer
  storageRoot: Buffer
  codeHash: Buffer
  /** Slots at version 1; 0 for an account without code. */
  slots: number
  /** Whether `version` wrote this account. */
  changed: boolean
}

const EMPTY_CODE_HASH = Buffer.from('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470', 'hex')
const EMPTY_STORAGE_ROOT = Buffer.from('56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421', 'hex')

/** Every account that exists at `version`, ascending by hash. */
function* accounts(init: LedgerInit, shape: LedgerShape, version: LedgerVersion): Generator<Account> {
  const random = seededRandom(`ledger/${init.seed}/accounts`)
  const updates = new Map(([2, 3] as const).map((at) => [at, seededRandom(`ledger/${init.seed}/accounts/${at}`)]))
  for (let index = 0; index < shape.accounts; index++) {
    const account = newAccount(random, init, shape, stratum(random, index, shape.accounts, 1))
    const added: Account[] = []
    for (const [at, update] of updates) {
      if (at > version) break
      account.changed = chance(update, UPDATED_PER_MILLE)
      if (account.changed) touch(update, account)
      if (chance(update, ADDED_PER_MILLE)) {
        const hash = stratum(update, index, shape.accounts, at)
        added.push({ ...emptyAccount(hash), balance: balance(update), changed: at === version })
      }
    }
    yield account
    yield* added
  }
}

function emptyAccount(hash: Buffer): Account {
  return { hash, nonce: 0, balance: Buffer.alloc(0), storageRoot: EMPTY_STORAGE_ROOT, codeHash: EMPTY_CODE_HASH, slots: 0, changed: true }
}

function newAccount(random: Random, init: LedgerInit, shape: LedgerShape, hash: Buffer): Account {
  const account = emptyAccount(hash)
  account.nonce = Math.floor(2 ** (randomUnit(random) * 12)) - 1
  account.balance = balance(random)
  if (chance(random, CONTRACTS_PER_MILLE)) {
    // Squaring favours low indexes: a few codes (tokens, proxies) serve most contracts.
    account.codeHash = codeHash(init, shape, Math.floor(randomUnit(random) ** 2 * shape.codes))
    account.storageRoot = noise(random, 32)
    account.slots = Math.floor(2 ** (randomUnit(random) * SLOTS_LOG2_MAX))
  }
  return account
}

function touch(random: Random, account: Account): void {
  account.nonce += 1 + randomBelow(random, 8)
  account.balance = balance(random)
  if (account.slots > 0) account.storageRoot = noise(random, 32)
}

/** Wei: most balances are a full amount, a third are round numbers with zeros behind. */
function balance(random: Random): Buffer {
  const bytes = noise(random, 1 + randomBelow(random, 9))
  if (chance(random, 333)) bytes.fill(0, Math.ceil(bytes.length / 3))
  return bytes
}

function accountKey(account: Account): Buffer {
  return Buffer.concat([PREFIX.account, account.hash])
}

/** RLP list of nonce, balance, storage root and code hash, as Ethereum's trie stores it. */
function encodeAccount(account: Account): Buffer {
  const nonce = account.nonce === 0 ? Buffer.alloc(0) : Buffer.from(account.nonce.toString(16).padStart(4, '0'), 'hex')
  const items = [nonce, account.balance, account.storageRoot, account.codeHash]
  const payloadBytes = items.reduce((sum, item) => sum + 1 + item.length, 0)
  const encoded = Buffer.alloc(2 + payloadBytes)
  encoded[0] = 0xf8
  encoded[1] = payloadBytes
  let at = 2
  for (const item of items) {
    encoded[at] = 0x80 + item.length
    item.copy(encoded, at + 1)
    at += 1 + item.length
  }
  return encoded
}

function* codes(init: LedgerInit, shape: LedgerShape): Generator<Change> {
  const random = seededRandom(`ledger/${init.seed}/code`)
  for (let index = 0; index < shape.codes; index++) {
    const bytes = Math.floor(1024 * 24 ** randomUnit(random))
    yield { key: Buffer.concat([PREFIX.code, codeHash(init, shape, index)]), value: codeLike(random, bytes) }
  }
}

/** Stands in for keccak(code): accounts need it before the code is written. */
function codeHash(init: LedgerInit, shape: LedgerShape, index: number): Buffer {
  return stratum(seededRandom(`ledger/${init.seed}/code-hash/${index}`), index, shape.codes, 1)
}

/** The slots of one account after the other; what is drawn for a version never depends on which version is asked for. */
class SlotStreams {
  readonly #version: LedgerVersion
  readonly #random: Random
  readonly #updates: ReadonlyMap<2 | 3, Random>

  constructor(init: LedgerInit, version: LedgerVersion) {
    this.#version = version
    this.#random = seededRandom(`ledger/${init.seed}/slots`)
    this.#updates = new Map(([2, 3] as const).map((at) => [at, seededRandom(`ledger/${init.seed}/slots/${at}`)]))
  }

  /** Slots of `account` that the version writes or removes. Call it with the accounts in order. */
  *changes(account: Account): Generator<Change> {
    for (let index = 0; index < account.slots; index++) {
      const key = slotKey(account, stratum(this.#random, index, account.slots, 1))
      const first = slotValue(this.#random)
      if (this.#version === 1) yield { key, value: first }
      for (const [at, update] of this.#updates) {
        if (at > this.#version) break
        const updated = chance(update, UPDATED_PER_MILLE) ? slotValue(update) : undefined
        const removed = chance(update, SLOTS_REMOVED_PER_MILLE)
        const added = chance(update, ADDED_PER_MILLE) ? stratum(update, index, account.slots, at) : undefined
        const addedValue = added === undefined ? undefined : slotValue(update)
        if (at !== this.#version) continue
        if (removed) yield { key, value: undefined }
        else if (updated !== undefined) yield { key, value: updated }
        if (added !== undefined) yield { key: slotKey(account, added), value: addedValue }
      }
    }
  }
}

function slotKey(account: Account, slotHash: Buffer): Buffer {
  return Buffer.concat([PREFIX.slot, account.hash, slotHash])
}

/** Most slots are counters, addresses and amounts behind leading zeros; the rest are hashes. */
function slotValue(random: Random): Buffer {
  const kind = randomBelow(random, 100)
  const significantBytes = kind < 30 ? 1 + randomBelow(random, 3) : kind < 60 ? 20 : kind < 80 ? 7 + randomBelow(random, 5) : 32
  const value = Buffer.alloc(32)
  fillRandom(random, value, 32 - significantBytes, 32)
  return value
}

const PREFIX = { account: Buffer.from('a'), code: Buffer.from('c'), slot: Buffer.from('o') }

/** A 32-byte hash in the part of stratum `index` of `count` that belongs to `version`. */
function stratum(random: Random, index: number, count: number, version: LedgerVersion): Buffer {
  const hash = noise(random, 32)
  const within = version === 1 ? randomUnit(random) / 2 : (version + randomUnit(random)) / 4
  // 48 bits: far more strata than there are keys, and still exact in a double.
  hash.writeUIntBE(Math.floor(((index + within) / count) * 2 ** 48), 0, 6)
  return hash
}

function noise(random: Random, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  fillRandom(random, buffer, 0, bytes)
  return buffer
}
