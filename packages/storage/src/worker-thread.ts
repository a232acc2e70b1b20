import assert from 'node:assert/strict'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { type ResourceLimits, Worker } from 'node:worker_threads'

/**
 * A thread that answers one call at a time; its module uses `serveCalls` of `@cairn/storage/worker`.
 *
 * A thread that ends by itself, whatever the reason, rejects the call under way and all later ones.
 */
export class WorkerThread<Request, Reply> implements AsyncDisposable {
  readonly #worker: Worker
  #call: PromiseWithResolvers<Reply> | undefined
  #failure: Error | undefined
  readonly #ended = Promise.withResolvers<void>()

  /** `module` in the form `new URL('./x-worker.ts', import.meta.url)`, which the build knows. */
  constructor(module: URL, resourceLimits: ResourceLimits) {
    this.#worker = new Worker(module, { resourceLimits, env: workerEnvironment() })
    this.#worker.on('message', (reply: Reply) => {
      const call = this.#call
      this.#call = undefined
      call?.resolve(reply)
    })
    this.#worker.on('messageerror', (error) => this.#fail(error))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (exitCode) => {
      this.#fail(new Error(`the thread ended with code ${exitCode}`))
      this.#ended.resolve()
    })
  }

  /** Resolves with the answer. */
  async call(request: Request): Promise<Reply> {
    assert(this.#call === undefined, 'a thread is asked one thing at a time')
    if (this.#failure !== undefined) throw this.#failure
    this.#call = Promise.withResolvers<Reply>()
    this.#worker.postMessage({ request })
    return await this.#call.promise
  }

  /** Lets an idle thread end, which keeps its compiled code for the next start; stops a busy one. Nothing of it runs afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#call === undefined) this.#worker.postMessage('end')
    else await this.#worker.terminate()
    await this.#ended.promise
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#call?.reject(this.#failure)
    this.#call = undefined
  }
}

/** A thread compiles its modules anew unless it is told where this process keeps what it compiled: half of its start. */
export function workerEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  // What Node calls the directory is one for its version in the one that it was given.
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) }
}
