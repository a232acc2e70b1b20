import {
  decodeOperation,
  LedgerError,
  type LedgerId,
  type Operation,
  type OperationResult,
  rememberedOperation,
  type Verifier,
  verifyOperation,
} from '@cairn/ledger'
import type { StateStore } from './state/state-store.ts'

export interface AdmissionInit {
  readonly ledger: LedgerId
  readonly signedOperations: boolean
  readonly verifier: Verifier
}

/** Which operations may be proposed and voted for, whatever the state says. */
export class Admission {
  readonly #init: AdmissionInit

  constructor(init: AdmissionInit) {
    this.#init = init
  }

  /** Static validity: why not, or `undefined`. */
  fault({ id, body }: Operation): string | undefined {
    const { ledger, signedOperations, verifier } = this.#init
    try {
      if (signedOperations) verifyOperation(ledger, verifier, id, body)
      else decodeOperation(ledger, id, body)
      return undefined
    } catch (error) {
      if (error instanceof LedgerError) return error.message
      throw error
    }
  }

  areValid(operations: readonly Operation[]): boolean {
    return operations.every((operation) => this.fault(operation) === undefined)
  }

  /** What a valid operation did, if the state remembers it. */
  remembered(store: StateStore, { id, body }: Operation): OperationResult | undefined {
    const { lastHeight } = decodeOperation(this.#init.ledger, id, body)
    const found = rememberedOperation(store, store.state.root, lastHeight, id)
    return found && { ...found, isRepeat: true }
  }
}
