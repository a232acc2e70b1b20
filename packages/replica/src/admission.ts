import {
  decodeOperation,
  LedgerError,
  type LedgerId,
  type Operation,
  type OperationResult,
  operationSignature,
  type OperationSignature,
  rememberedOperation,
} from '@cairn/ledger'
import { GOOD_SIGNATURES_MAX } from './limits.ts'
import { SignatureChecks, type SignatureChecksInit } from './signatures/signature-checks.ts'
import type { StateStore } from './state/state-store.ts'

export interface AdmissionInit extends SignatureChecksInit {
  readonly ledger: LedgerId
  readonly signedOperations: boolean
}

/** What is said of an operation, whatever the state says. `full` is no judgement: too many wait to be judged. */
export type Admitted = { readonly type: 'valid' } | { readonly type: 'invalid'; readonly reason: string } | { readonly type: 'full' }

const VALID: Admitted = { type: 'valid' }
const FULL: Admitted = { type: 'full' }

/** Which operations may be proposed and voted for: their form is checked here, their signatures in threads, each once. */
export class Admission implements AsyncDisposable {
  readonly #init: AdmissionInit
  readonly #checks: SignatureChecks
  /** Ids by signature, the oldest first. An id is a digest of all else that the operation says. */
  readonly #good = new Map<string, string>()

  constructor(init: AdmissionInit) {
    this.#init = init
    this.#checks = new SignatureChecks(init)
  }

  /** Operations whose signatures wait to be checked. */
  get waitingCount(): number {
    return this.#checks.count
  }

  /** Judges what a client or another replica hands in. */
  async admit(operation: Operation): Promise<Admitted> {
    return await this.#judge(operation, false)
  }

  /** Those of them that are valid; what there is no room for is left out too, and its client will ask again. */
  async admitAll(operations: readonly Operation[]): Promise<readonly Operation[]> {
    const judged = await Promise.all(operations.map((operation) => this.admit(operation)))
    return operations.filter((_, index) => judged[index]?.type === 'valid')
  }

  /** Whether a block may have these: what a vote waits for, so it goes first, and at once if all are known. */
  areValid(operations: readonly Operation[]): boolean | Promise<boolean> {
    const judged = operations.map((operation) => this.#judge(operation, true))
    const waited = judged.filter((each) => each instanceof Promise)
    if (judged.some((each) => !(each instanceof Promise) && each.type !== 'valid')) return false
    if (waited.length === 0) return true
    return Promise.all(waited).then((verdicts) => verdicts.every(({ type }) => type === 'valid'))
  }

  /** What a valid operation did, if the state remembers it. */
  remembered(store: StateStore, { id, body }: Operation): OperationResult | undefined {
    const { lastHeight } = decodeOperation(this.#init.ledger, id, body)
    const found = rememberedOperation(store, store.state.root, lastHeight, id)
    return found && { ...found, isRepeat: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checks[Symbol.asyncDispose]()
  }

  #judge({ id, body }: Operation, isUrgent: boolean): Admitted | Promise<Admitted> {
    const { ledger, signedOperations } = this.#init
    let claim: OperationSignature
    try {
      claim = operationSignature(id, decodeOperation(ledger, id, body), body)
    } catch (error) {
      if (error instanceof LedgerError) return { type: 'invalid', reason: error.message }
      throw error
    }
    if (!signedOperations) return VALID
    const name = Buffer.from(claim.signature).toString('latin1')
    if (this.#good.get(name) === id) return VALID
    if (!isUrgent && !this.#checks.hasRoom) return FULL
    return this.#check(claim, id, name, isUrgent)
  }

  async #check(claim: OperationSignature, id: string, name: string, isUrgent: boolean): Promise<Admitted> {
    if (!(await this.#checks.isGood(claim, isUrgent))) {
      return { type: 'invalid', reason: new LedgerError({ code: 'OPERATION_FORGED', operation: id }).message }
    }
    this.#good.set(name, id)
    const [oldest] = this.#good.keys()
    if (this.#good.size > GOOD_SIGNATURES_MAX && oldest !== undefined) this.#good.delete(oldest)
    return VALID
  }
}
