import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ed25519Signer, type Signer } from '@cairn/ledger'
import { loadOrCreatePeerKey } from '@cairn/network'
import { ReplicaError } from '../errors.ts'
import { BURNT_FILE, hasLog, KEY_FILE, maySign, PEER_FILE, seatDirectory, USED_FILE } from '../ledger-directory.ts'
import { type KeyRing, isSameKey } from './key-ring.ts'

const SEED_BYTES = 32
/** The key that is to follow the seat's own. */
const NEXT_FILE = 'next.key'
/** Beside it: a replica has loaded it, so it may have signed. */
const NEXT_USED_FILE = 'next.used'

/** What a member of a committee is known by: how it is reached, and what it signs with. */
export interface SeatName {
  readonly peer: string
  readonly publicKey: Uint8Array
}

/**
 * Makes a key that is to join: for a directory without one its first, for a seat that has one the key that is to follow it. The replica that
 * runs there takes it up when it is told of the next committee.
 *
 * @throws the system's error, `EEXIST` if there is a key that is to follow already
 */
export async function createSeatKey(directory: string, seat: number): Promise<SeatName> {
  const home = seatDirectory(directory, seat)
  await mkdir(home, { recursive: true, mode: 0o700 })
  const seed = randomBytes(SEED_BYTES)
  const isFirst = !existsSync(join(home, KEY_FILE))
  // Whatever was said of keys before this one is not true of it.
  if (isFirst) for (const mark of [USED_FILE, BURNT_FILE]) remove(join(home, mark))
  else if (!existsSync(join(home, NEXT_FILE))) remove(join(home, NEXT_USED_FILE))
  await writeFile(join(home, isFirst ? KEY_FILE : NEXT_FILE), seed, { mode: 0o600, flag: 'wx', flush: true })
  const { peer } = await loadOrCreatePeerKey(join(home, PEER_FILE))
  syncDirectory(home)
  return { peer, publicKey: ed25519Signer(seed).publicKey }
}

/** The keys of a seat, in its directory. */
export class SeatKeys implements KeyRing {
  readonly #home: string
  #current: Signer | undefined
  #mayCurrentSign: boolean
  #next: Signer | undefined

  private constructor(home: string, mayCurrentSign: boolean) {
    this.#home = home
    this.#mayCurrentSign = mayCurrentSign
    this.#current = signerIn(join(home, KEY_FILE))
    this.reload()
  }

  /**
   * Reads the keys that are there, and marks them as used.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED` · the system's error
   */
  static async open(directory: string, seat: number): Promise<SeatKeys> {
    const home = seatDirectory(directory, seat)
    const wasLost = !(await hasLog(directory, seat))
    const mayCurrentSign = await maySign(directory, seat)
    // What a log that is gone had said with it nobody knows. A key that no replica has loaded has said nothing.
    if (wasLost && existsSync(join(home, NEXT_USED_FILE))) eraseFile(home, NEXT_FILE)
    return new SeatKeys(home, mayCurrentSign)
  }

  /** The seat's key has signed, and the log that says what is gone. */
  get isBurnt(): boolean {
    return this.#current !== undefined && !this.#mayCurrentSign
  }

  get publicKeys(): readonly Uint8Array[] {
    return [this.#current, this.#next].flatMap((signer) => signer?.publicKey ?? [])
  }

  signerOf(publicKey: Uint8Array): Signer | undefined {
    const current = this.#mayCurrentSign ? this.#current : undefined
    return [current, this.#next].find((signer) => signer !== undefined && isSameKey(signer.publicKey, publicKey))
  }

  /** Takes up a key that has been put there since. */
  reload(): void {
    if (this.#current === undefined) {
      this.#current = this.#load(KEY_FILE, USED_FILE)
      this.#mayCurrentSign ||= this.#current !== undefined
    }
    this.#next ??= this.#load(NEXT_FILE, NEXT_USED_FILE)
  }

  /** The key that is to follow takes the place of the one that is erased. @throws {ReplicaError} `KEY_NOT_ERASED` */
  erase(publicKey: Uint8Array): void {
    if (this.#next !== undefined && isSameKey(this.#next.publicKey, publicKey)) {
      eraseFile(this.#home, NEXT_FILE)
      this.#next = undefined
    }
    if (this.#current === undefined || !isSameKey(this.#current.publicKey, publicKey)) return
    this.#current = this.#next
    this.#next = undefined
    // That the old one must not sign is no longer said of it once it has no seat, and is not to be said of the next.
    remove(join(this.#home, BURNT_FILE))
    eraseFile(this.#home, KEY_FILE, this.#current && NEXT_FILE)
    remove(join(this.#home, NEXT_USED_FILE))
    syncDirectory(this.#home)
    this.#mayCurrentSign = this.#current !== undefined
  }

  #load(file: string, mark: string): Signer | undefined {
    const signer = signerIn(join(this.#home, file))
    if (signer === undefined) return undefined
    closeSync(openSync(join(this.#home, mark), 'a', 0o600))
    syncDirectory(this.#home)
    return signer
  }
}

/** @throws {LedgerError} `MALFORMED` for a file that is no key */
function signerIn(path: string): Signer | undefined {
  return existsSync(path) ? ed25519Signer(readFileSync(path)) : undefined
}

/**
 * Overwrites `file` and takes its name away, or gives it to `successor`. A disk may keep copies of what it was told to overwrite; that is beyond
 * reach from here.
 *
 * @throws {ReplicaError} `KEY_NOT_ERASED`
 */
function eraseFile(home: string, file: string, successor?: string): void {
  const path = join(home, file)
  if (!existsSync(path)) return
  try {
    const old = openSync(path, 'r+')
    try {
      // The name first: a crash in between leaves a key or none, and never half of one.
      if (successor === undefined) unlinkSync(path)
      else renameSync(join(home, successor), path)
      syncDirectory(home)
      writeSync(old, new Uint8Array(SEED_BYTES))
      fsyncSync(old)
    } finally {
      closeSync(old)
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReplicaError({ code: 'KEY_NOT_ERASED', path, reason }, { cause })
  }
}

function remove(path: string): void {
  if (existsSync(path)) unlinkSync(path)
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
