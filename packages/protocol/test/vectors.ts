import { readFileSync } from 'node:fs'

/** The pinned vectors of `format`, in the shape that the caller knows them to have. */
export function readVectors(format: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../test/vectors/${format}.json`, import.meta.url), 'utf8'))
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}
