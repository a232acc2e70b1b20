import {
  type Checkpoint,
  checkpointDigest,
  type CheckpointHeader,
  checkpointStatement,
  type Committee,
  type LedgerId,
  LedgerError,
  type SeatSignature,
  isStatementSigned,
  type Signer,
  signStatement,
  type Verifier,
  verifyStatement,
} from '@cairn/ledger'
import type { CheckpointMessage } from './checkpoint-message.ts'

/** Heights for which signatures of others are kept: the one that is being certified, and some that this seat has not reached. */
const HEIGHTS_KEPT = 4

/** Gathers signatures for checkpoints, until a quorum of the committee stands for one. */
export class Checkpointer {
  readonly #ledger: LedgerId
  readonly #signerOf: (publicKey: Uint8Array) => Signer | undefined
  readonly #verifier: Verifier
  /** By height: the own header and the committee that certifies it. */
  readonly #own = new Map<number, { readonly header: CheckpointHeader; readonly committee: Committee; isCertified: boolean }>()
  /** The newest signatures of each seat, by height. */
  readonly #heard = new Map<number, Map<number, CheckpointMessage>>()

  constructor(ledger: LedgerId, signerOf: (publicKey: Uint8Array) => Signer | undefined, verifier: Verifier) {
    this.#ledger = ledger
    this.#signerOf = signerOf
    this.#verifier = verifier
  }

  /** This seat has `header` on disk: what it tells the others. `undefined` if it has no seat in `committee`. */
  sign(header: CheckpointHeader, committee: Committee): CheckpointMessage | undefined {
    const { height } = header
    this.#own.set(height, { header, committee, isCertified: false })
    for (const old of this.#own.keys()) if (this.#own.size > HEIGHTS_KEPT) this.#own.delete(old)
    const seat = committee.members.findIndex(({ publicKey }) => this.#signerOf(publicKey) !== undefined)
    const signer = committee.members[seat] && this.#signerOf(committee.members[seat].publicKey)
    if (signer === undefined) return undefined
    const statement = checkpointStatement(header)
    return { height, digest: statement.digest, seat, signature: signStatement(this.#ledger, signer, statement) }
  }

  /** Takes what seat `message.seat` said, from whoever relayed it; returns the checkpoint once, when a quorum stands for it. */
  hear(message: CheckpointMessage): Checkpoint | undefined {
    const heard = this.#heard.get(message.seat) ?? new Map<number, CheckpointMessage>()
    this.#heard.set(message.seat, heard)
    heard.set(message.height, message)
    for (const old of [...heard.keys()].sort((a, b) => a - b)) if (heard.size > HEIGHTS_KEPT) heard.delete(old)
    return this.certified(message.height)
  }

  /** The checkpoint at `height`, once, when a quorum stands for it. */
  certified(height: number): Checkpoint | undefined {
    const own = this.#own.get(height)
    if (own === undefined || own.isCertified) return undefined
    const { header, committee } = own
    const statement = checkpointStatement(header)
    const signatures: SeatSignature[] = []
    for (const [seat, { publicKey }] of committee.members.entries()) {
      const message = this.#heard.get(seat)?.get(height)
      // Somebody who signs another checkpoint of this height is wrong or lost; it is not for this one.
      if (message === undefined || message.digest !== checkpointDigest(header)) continue
      if (this.#isSigned(publicKey, header, message)) signatures.push({ seat, signature: message.signature })
    }
    try {
      verifyStatement(this.#ledger, committee, this.#verifier, statement, signatures)
    } catch (error) {
      if (error instanceof LedgerError) return undefined
      throw error
    }
    own.isCertified = true
    return { header, signatures }
  }

  #isSigned(publicKey: Uint8Array, header: CheckpointHeader, { signature }: CheckpointMessage): boolean {
    return isStatementSigned(this.#ledger, this.#verifier, publicKey, checkpointStatement(header), signature)
  }
}
