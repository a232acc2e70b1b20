import crypto from 'node:crypto'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

/** Something in a simulated run reached for the real world. */
export class EscapeError extends Error {
  override readonly name = 'EscapeError'

  constructor(what: string) {
    super(`a simulated run touched ${what}: its result would not be the seed's alone`)
  }
}

interface Poison {
  readonly owner: object
  readonly key: string
}

const POISONED: readonly Poison[] = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'].map((key) => ({ owner: globalThis, key })),
  { owner: Math, key: 'random' },
  { owner: performance, key: 'now' },
  ...['nextTick', 'hrtime'].map((key) => ({ owner: process, key })),
  ...['randomBytes', 'randomInt', 'randomUUID', 'randomFillSync', 'generateKeyPairSync'].map((key) => ({
    owner: crypto,
    key,
  })),
  ...['openSync', 'readFileSync', 'writeFileSync', 'open', 'readFile', 'writeFile'].map((key) => ({ owner: fs, key })),
  ...['connect', 'createConnection', 'createServer'].map((key) => ({ owner: net, key })),
]

/** `Date` without the present: `new Date(0)` computes, `new Date()` and `Date.now()` escape. */
function timelessDate(real: DateConstructor): DateConstructor {
  return new Proxy(real, {
    construct(target, args, newTarget) {
      if (args.length === 0) throw new EscapeError('the clock (new Date)')
      return Reflect.construct(target, args, newTarget) as object
    },
    apply() {
      throw new EscapeError('the clock (Date)')
    },
    get(target, key, receiver) {
      if (key === 'now') return () => escape('the clock (Date.now)')
      return Reflect.get(target, key, receiver) as unknown
    },
  })
}

function escape(what: string): never {
  throw new EscapeError(what)
}

/**
 * Runs `run`, synchronously, with clock, chance, timers, disk and sockets out of reach: to touch one is an {@link EscapeError}.
 * One at a time: what it takes away, it takes away from the whole process, and gives back at the end.
 */
export function withoutWorld<T>(run: () => T): T {
  const saved = POISONED.map(({ owner, key }) => ({ owner, key, descriptor: Object.getOwnPropertyDescriptor(owner, key) }))
  const realDate = globalThis.Date
  for (const { owner, key } of POISONED) {
    const trap = (): never => escape(key)
    Object.defineProperty(owner, key, { value: trap, configurable: true, writable: true, enumerable: true })
  }
  globalThis.Date = timelessDate(realDate)
  syncBuiltinESMExports()
  try {
    return run()
  } finally {
    globalThis.Date = realDate
    for (const { owner, key, descriptor } of saved) {
      if (descriptor === undefined) Reflect.deleteProperty(owner, key)
      else Object.defineProperty(owner, key, descriptor)
    }
    syncBuiltinESMExports()
  }
}
