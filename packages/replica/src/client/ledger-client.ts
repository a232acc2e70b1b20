import { type Committee, decodeLightProof, type LedgerId, type LightProof, type Operation, verifyKey } from '@cairn/ledger'
import { committeeFrom } from '../epochs/next-committee.ts'
import { ReplicaError } from '../errors.ts'
import type { SubmitOutcome } from '../submissions.ts'
import { type CommitteeResponse, PATHS, type ReadLevel, type ReadResponse, type StatusResponse } from './protocol.ts'

/** What a replica says of a key, after the proof was checked against the state root that it names. */
export interface VerifiedRead {
  readonly level: ReadLevel
  readonly value: Uint8Array | undefined
  readonly height: number
  /** What the answer is worth is what this root is worth: compare it with a checkpoint's. */
  readonly stateRoot: string
}

/** The newest proof is megabytes after thousands of epochs; anything else is some pages. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024

/** A sentence. */
const REASON_CHARS_MAX = 200

/** Talks to one replica over HTTP, and believes nothing that it can check. */
export class LedgerClient {
  readonly #url: string

  /** `url` is the replica's, without a path. */
  constructor(url: string) {
    this.#url = url
  }

  /** Hands in an operation. A failure of the connection is thrown, and leaves open whether it was taken: submitting again is safe. */
  async submit({ id, body }: Operation, signal?: AbortSignal): Promise<SubmitOutcome> {
    const request = JSON.stringify({ id, body: Buffer.from(body).toString('base64') })
    return JSON.parse(await this.#text(PATHS.submit, { method: 'POST', body: request, ...(signal && { signal }) })) as SubmitOutcome
  }

  /**
   * Reads `key`, as fresh as `level` says. That the value is in the state at `stateRoot` is checked; that this root is the ledger's at that
   * height, and that new, is the replica's word, for which a checkpoint stands sooner or later.
   *
   * @throws {LedgerError} `STATE_PROOF_INVALID`, `MALFORMED` if the answer does not follow from its proof · {ReplicaError} `REFUSED`
   */
  async read(key: Uint8Array, signal?: AbortSignal, level: ReadLevel = 'local'): Promise<VerifiedRead> {
    const text = await this.#text(`${PATHS.read}?level=${level}&key=${Buffer.from(key).toString('base64url')}`, {
      ...(signal && { signal }),
    })
    const { height, stateRoot, proof, level: answered } = JSON.parse(text) as ReadResponse
    if (answered !== level) throw new Error(`${this.#url} answers a ${level} read as ${answered}`)
    const pages = proof.map((page) => new Uint8Array(Buffer.from(page, 'base64')))
    return { level, value: verifyKey(stateRoot, Buffer.concat([Uint8Array.of(1), key]), pages), height, stateRoot }
  }

  async status(signal?: AbortSignal): Promise<StatusResponse> {
    return JSON.parse(await this.#text(PATHS.status, { ...(signal && { signal }) })) as StatusResponse
  }

  /** Which ledger the replica is of, as it says: operations are signed for it, and for another they are worth nothing. */
  async ledger(signal?: AbortSignal): Promise<LedgerId> {
    return JSON.parse(await this.#text(PATHS.ledger, { ...(signal && { signal }) })) as LedgerId
  }

  /** Who decides, as the replica says. @throws {LedgerError} `BAD_COMMITTEE` */
  async committee(signal?: AbortSignal): Promise<{ readonly epoch: number; readonly committee: Committee }> {
    const answer = JSON.parse(await this.#text(PATHS.committee, { ...(signal && { signal }) })) as CommitteeResponse
    return { epoch: answer.epoch, committee: committeeFrom(answer) }
  }

  /** Form checked, truth not: that is `followChain`'s. */
  async lightProof(signal?: AbortSignal): Promise<LightProof> {
    return decodeLightProof(await this.#bytes(PATHS.lightProof, { ...(signal && { signal }) }))
  }

  async #text(path: string, init: RequestInit): Promise<string> {
    return Buffer.from(await this.#bytes(path, init)).toString('utf8')
  }

  async #bytes(path: string, init: RequestInit): Promise<Uint8Array> {
    const response = await fetch(`${this.#url}${path}`, init)
    const parts: Uint8Array[] = []
    let bytes = 0
    for await (const part of response.body ?? []) {
      bytes += part.byteLength
      if (bytes > RESPONSE_BYTES_MAX) throw new Error(`${this.#url} answers with more than ${RESPONSE_BYTES_MAX} bytes`)
      parts.push(part)
    }
    const whole = Buffer.concat(parts)
    if (!response.ok) throw new ReplicaError({ code: 'REFUSED', url: this.#url, status: response.status, reason: reasonOf(whole) })
    return whole
  }
}

/** What a replica says is wrong, or the beginning of what something else says. */
function reasonOf(body: Buffer): string {
  const text = body.toString('utf8').slice(0, REASON_CHARS_MAX)
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown }
    return typeof error === 'string' ? error : text
  } catch {
    return text
  }
}
