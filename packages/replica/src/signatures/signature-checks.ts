import { availableParallelism } from 'node:os'
import type { OperationSignature, Verifier } from '@cairn/ledger'
import { WorkerThread } from '@cairn/storage'
import { CHECKED_AT_ONCE, CHECKING_THREADS_MAX, UNCHECKED_MAX } from '../limits.ts'
import { packSignatures, type SignatureBatch } from './signature-batch.ts'

/** Something that checks one batch at a time, elsewhere; rejects for good when it is broken. */
export interface CheckingThread extends AsyncDisposable {
  call(batch: SignatureBatch): Promise<Uint8Array>
}

export interface SignatureChecksInit {
  /** Checks here what a thread that broke was handed. */
  readonly verifier: Verifier
  readonly threadsMax?: number
  readonly createThread?: () => CheckingThread
}

interface Waiting {
  readonly claim: OperationSignature
  readonly settle: (good: boolean) => void
}

/** One thread's small heap, in MiB: keys and a batch. */
const HEAP_MIB = 32

/**
 * Checks signatures in threads, many at a time: while a thread works, what comes is gathered for the next. Threads start when there is
 * something to check.
 */
export class SignatureChecks implements AsyncDisposable {
  readonly #init: SignatureChecksInit
  readonly #threadsMax: number
  readonly #createThread: () => CheckingThread
  readonly #idle: CheckingThread[] = []
  readonly #threads = new Set<CheckingThread>()
  /** What a vote waits for goes first. */
  readonly #urgent: Waiting[] = []
  readonly #others: Waiting[] = []
  #scheduled = false
  #stopped = false

  constructor(init: SignatureChecksInit) {
    this.#init = init
    this.#threadsMax = init.threadsMax ?? Math.min(CHECKING_THREADS_MAX, Math.max(1, availableParallelism() - 1))
    this.#createThread = init.createThread ?? startThread
  }

  /** Signatures that wait for a thread. */
  get count(): number {
    return this.#urgent.length + this.#others.length
  }

  /** Whether another one that is not urgent has room. */
  get hasRoom(): boolean {
    return this.#others.length < UNCHECKED_MAX
  }

  /** Whether the signature is good. Whoever hands in what is not urgent asks {@link hasRoom} before. False once stopped. */
  async isGood(claim: OperationSignature, isUrgent: boolean): Promise<boolean> {
    if (this.#stopped) return false
    return await new Promise((settle) => {
      const queue = isUrgent ? this.#urgent : this.#others
      queue.push({ claim, settle })
      if (this.#scheduled) return
      this.#scheduled = true
      // All that comes in this turn of the event loop goes together.
      setImmediate(() => {
        this.#scheduled = false
        this.#work()
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    for (const { settle } of [...this.#urgent.splice(0), ...this.#others.splice(0)]) settle(false)
    await Promise.all([...this.#threads].map((thread) => thread[Symbol.asyncDispose]()))
  }

  #work(): void {
    while (this.count > 0 && !this.#stopped) {
      const thread = this.#idle.pop() ?? this.#start()
      if (thread === undefined) return
      const batch = this.#urgent.splice(0, CHECKED_AT_ONCE)
      batch.push(...this.#others.splice(0, CHECKED_AT_ONCE - batch.length))
      void this.#check(thread, batch)
    }
  }

  #start(): CheckingThread | undefined {
    if (this.#threads.size >= this.#threadsMax) return undefined
    const thread = this.#createThread()
    this.#threads.add(thread)
    return thread
  }

  async #check(thread: CheckingThread, batch: readonly Waiting[]): Promise<void> {
    let verdicts: Uint8Array
    try {
      verdicts = await thread.call(packSignatures(batch.map(({ claim }) => claim)))
      this.#idle.push(thread)
    } catch {
      // Another thread is started for what comes next; this much is checked here.
      this.#threads.delete(thread)
      const { verifier } = this.#init
      const checkHere = ({ claim }: Waiting): boolean => !this.#stopped && verifier.verify(claim.publicKey, claim.bytes, claim.signature)
      verdicts = Uint8Array.from(batch, (each) => (checkHere(each) ? 1 : 0))
    }
    for (const [index, { settle }] of batch.entries()) settle(verdicts[index] === 1)
    this.#work()
  }
}

function startThread(): CheckingThread {
  return new WorkerThread(new URL('./signatures-worker.ts', import.meta.url), { maxOldGenerationSizeMb: HEAP_MIB })
}
