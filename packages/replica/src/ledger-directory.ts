import { randomBytes } from 'node:crypto'
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  checkpointDigest,
  type Committee,
  createCommittee,
  type CommitteeSize,
  ed25519Signer,
  type LedgerId,
  type Member,
  PRESETS,
  type PresetName,
  type TrustRoot,
} from '@cairn/ledger'
import { loadOrCreatePeerKey, type PeerIdentity } from '@cairn/network'
import { readFileIfExists, writeFileDurably } from '@cairn/storage'
import { ReplicaError } from './errors.ts'
import { genesisHeader } from './genesis.ts'

/** What all seats of a ledger agree on from the start, and clients know it by. */
export interface LedgerFile {
  readonly ledger: LedgerId
  readonly genesis: Committee
  /** Whether operations must be signed by their clients. */
  readonly signedOperations: boolean
}

const WHAT = 'cairn ledger'
const VERSION = 1
const LEDGER_FILE = 'ledger.json'
const TRUST_FILE = 'trust.json'
/** Beside a seat's keys: they have been used. */
export const USED_FILE = 'seat.used'
/** And their log has been lost since. */
export const BURNT_FILE = 'seat.burnt'
/** The key that the seat signs with, and the one that it is reached by. */
export const KEY_FILE = 'seat.key'
export const PEER_FILE = 'peer.key'
/** How long a new trust root may be used: for as long as the first committee's keys, erased or not, are worth nobody's while. */
const TRUST_MS = 365 * 24 * 3600 * 1000

/** The file as JSON. */
interface StoredLedger {
  readonly what: string
  readonly version: number
  readonly networkId: string
  readonly chainId: number
  readonly size: CommitteeSize
  readonly signedOperations: boolean
  readonly members: readonly { readonly peer: string; readonly publicKey: string; readonly role: Member['role'] }[]
}

/**
 * Makes a ledger: `ledger.json` for seats and clients, `trust.json` for light clients, and for each seat a directory with its keys, which belong
 * on the seat's machine and nowhere else. Without `signedOperations` whoever reaches a seat may write as anybody.
 *
 * @throws the system's error, `EEXIST` where there is a ledger already
 */
export async function createLedgerDirectory(
  directory: string,
  preset: PresetName,
  now: number,
  signedOperations = true,
): Promise<LedgerFile> {
  const { n } = PRESETS[preset]
  await mkdir(directory, { recursive: true })
  const members: Member[] = []
  for (let seat = 0; seat < n; seat++) {
    await mkdir(seatDirectory(directory, seat), { mode: 0o700 })
    await writeFile(join(seatDirectory(directory, seat), KEY_FILE), randomBytes(32), { mode: 0o600, flag: 'wx' })
    const { publicKey } = ed25519Signer(await readFile(join(seatDirectory(directory, seat), KEY_FILE)))
    const { peer } = await loadOrCreatePeerKey(join(seatDirectory(directory, seat), PEER_FILE))
    members.push({ peer, publicKey, role: 'full' })
  }
  const ledger: LedgerId = { networkId: randomBytes(32).toString('hex'), chainId: 1 }
  const stored: StoredLedger = {
    what: WHAT,
    version: VERSION,
    ...ledger,
    size: PRESETS[preset],
    signedOperations,
    members: members.map(({ peer, publicKey, role }) => ({ peer, publicKey: Buffer.from(publicKey).toString('hex'), role })),
  }
  const genesis = createCommittee(PRESETS[preset], members)
  const trust: TrustRoot = {
    ...ledger,
    epoch: 0,
    committee: genesis.hash,
    checkpoint: checkpointDigest(genesisHeader(ledger, genesis)),
    notAfter: now + TRUST_MS,
  }
  await writeFile(join(directory, LEDGER_FILE), `${JSON.stringify(stored, undefined, 2)}\n`, { flag: 'wx' })
  await writeFile(join(directory, TRUST_FILE), `${JSON.stringify(trust, undefined, 2)}\n`, { flag: 'wx' })
  return { ledger, genesis, signedOperations }
}

/** @throws {ReplicaError} `BAD_LEDGER_FILE` · {LedgerError} `BAD_COMMITTEE` · the system's error */
export async function readLedgerFile(directory: string): Promise<LedgerFile> {
  const path = join(directory, LEDGER_FILE)
  const stored = JSON.parse(await readFile(path, 'utf8')) as Partial<StoredLedger> | null
  const { networkId, chainId, size, members, signedOperations } = stored ?? {}
  if (stored?.what !== WHAT || stored.version !== VERSION || typeof networkId !== 'string' || !Number.isSafeInteger(chainId)) {
    throw new ReplicaError({ code: 'BAD_LEDGER_FILE', path })
  }
  if (size === undefined || members === undefined || chainId === undefined) throw new ReplicaError({ code: 'BAD_LEDGER_FILE', path })
  const genesis = createCommittee(
    size,
    members.map(({ peer, publicKey, role }) => ({ peer, publicKey: new Uint8Array(Buffer.from(publicKey, 'hex')), role })),
  )
  return { ledger: { networkId, chainId }, genesis, signedOperations: signedOperations !== false }
}

/**
 * How a seat is reached.
 *
 * @throws the system's error, `ENOENT` where there is no such seat
 */
export async function readSeatIdentity(directory: string, seat: number): Promise<PeerIdentity> {
  const path = join(seatDirectory(directory, seat), PEER_FILE)
  await access(path)
  return await loadOrCreatePeerKey(path)
}

/**
 * Whether a seat's key may sign here: it has its log, or has never signed. A key that has signed and whose log is gone does not know what it
 * said, so it stays silent for good: the seat follows as a learner until the committee is given another key for it.
 *
 * Marks the key as used before it is, so a crash in the first moments of a seat's life may silence it for nothing.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED` · the system's error
 */
export async function maySign(directory: string, seat: number): Promise<boolean> {
  const home = seatDirectory(directory, seat)
  if (await hasFile(join(home, BURNT_FILE))) return false
  if (await hasEntries(join(home, 'log'))) return true
  const isNew = await mark(join(home, USED_FILE))
  // Said once more, for a learner has a log too.
  if (!isNew) await mark(join(home, BURNT_FILE))
  return isNew
}

/** Whether the seat has a log of what it said. */
export async function hasLog(directory: string, seat: number): Promise<boolean> {
  return await hasEntries(join(seatDirectory(directory, seat), 'log'))
}

/** Puts an empty file there for good; false if it was there. */
async function mark(path: string): Promise<boolean> {
  if (await hasFile(path)) return false
  await writeFileDurably(path, new Uint8Array(0), 0o600)
  return true
}

/** What cannot be read is not taken for absent: a key would sign twice for it. */
async function hasFile(path: string): Promise<boolean> {
  return (await readFileIfExists(path)) !== undefined
}

async function hasEntries(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

export function seatDirectory(directory: string, seat: number): string {
  return join(directory, `seat-${seat}`)
}
