import { readMetadata } from '../metadata.ts'
import { fileOf } from '../names.ts'
import { seal, type Signing } from './seal.ts'
import { listingJson } from './snapshot.ts'

export interface TimestampInit extends Signing {
  /** The file that this one follows. */
  readonly previous?: Uint8Array
  /** `snapshot.json`. */
  readonly snapshot: Uint8Array
}

/**
 * A new `timestamp.json`: `snapshot` is the newest, until it expires. Signed often, by the one key that is always online.
 *
 * @throws {TrustError} `MALFORMED` if a given file is
 */
export function newTimestamp({ previous, snapshot, ...signing }: TimestampInit): Uint8Array {
  const file = fileOf('timestamp')
  const version = previous === undefined ? 1 : readMetadata('timestamp', file, previous).version + 1
  const meta = { 'snapshot.json': listingJson(readMetadata('snapshot', fileOf('snapshot'), snapshot)) }
  return seal({ kind: 'timestamp', file, version, fields: { meta } }, signing)
}
