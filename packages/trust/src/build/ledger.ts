import { TrustError } from '../errors.ts'
import { readMetadata } from '../metadata.ts'
import { fileOf, releasePath } from '../names.ts'
import { type Release, releaseTarget } from '../release.ts'
import { releasesOf } from '../verify-ledger.ts'
import { seal, type Signing } from './seal.ts'

export interface LedgerInit extends Signing {
  readonly ledger: string
  /** The file that this one follows. */
  readonly previous?: Uint8Array
  /** All that the ledger states from now on. */
  readonly releases: readonly Release[]
}

/**
 * A new `<ledger>.json` that states exactly `releases`.
 *
 * @throws {TrustError} `MALFORMED` if two share a channel or a name is bad; `TOO_LARGE`; `OUT_OF_SCOPE` for another ledger's release
 */
export function newLedger({ ledger, previous, releases, ...signing }: LedgerInit): Uint8Array {
  const file = fileOf(ledger)
  const version = previous === undefined ? 1 : readMetadata('ledger', file, previous).version + 1
  const targets = Object.fromEntries(releases.map((release) => [releasePath(release.ledger, release.height), releaseTarget(release)]))
  const bytes = seal({ kind: 'ledger', file, version, fields: { targets } }, signing)
  releasesOf(readMetadata('ledger', file, bytes))
  return bytes
}

export interface ReleaseInit extends Signing {
  /** The ledger's present file; undefined for its first release. */
  readonly previous?: Uint8Array
  /** Its channels are added to those that the height has, and taken from every other height. */
  readonly release: Release
  /** Whether a different manifest at the same height may be replaced. */
  readonly replace?: boolean
}

/**
 * The ledger's file with `release` in it: the very bytes of `previous` if it says so already, the next version otherwise.
 *
 * @throws {TrustError} `CONFLICT` if the height has another manifest and `replace` is not set; otherwise as {@link newLedger}
 */
export function addRelease({ previous, release, replace = false, ...signing }: ReleaseInit): Uint8Array {
  const { ledger } = release
  const before = previous === undefined ? [] : releasesOf(readMetadata('ledger', fileOf(ledger), previous))
  const releases = withRelease(before, release, replace)
  if (previous !== undefined && releases === before) return previous
  return newLedger({ ledger, ...(previous === undefined ? {} : { previous }), releases, ...signing })
}

/** `releases` with `release` among them; the same array if that changes nothing. */
function withRelease(releases: readonly Release[], release: Release, replace: boolean): readonly Release[] {
  const { ledger, height, manifest, channels } = release
  const present = releases.find((other) => other.height === height)
  const isSame = present?.manifest.equals(manifest) === true
  if (present !== undefined && !isSame && !replace) {
    throw new TrustError({ code: 'CONFLICT', ledger, height, found: present.manifest.toString(), wanted: manifest.toString() })
  }
  if (isSame && channels.every((channel) => present?.channels.includes(channel))) return releases
  const others = releases
    .filter((other) => other.height !== height)
    // A channel points at one height: setting it here moves it off wherever it was.
    .map((other) => ({ ...other, channels: other.channels.filter((channel) => !channels.includes(channel)) }))
  const merged = [...new Set([...(present?.channels ?? []), ...channels])].sort()
  return [...others, { ...release, channels: merged }]
}
