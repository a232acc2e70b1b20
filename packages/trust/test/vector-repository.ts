import { initialTrust } from '../src/index.ts'
import { amend, type Files, KEYS, NOW, only, Repository, ROLES, signAnything, update, fields } from './repository.ts'

/** What `test/vectors/trust.json` holds: texts of files, all built from the keys of `seedSigner`. */
export interface TrustVectors {
  readonly now: string
  readonly keys: Readonly<Record<string, { readonly seed: string; readonly keyId: string; readonly publicKey: string }>>
  /** What a source serves; an update from `1.root.json` accepts it. */
  readonly files: Readonly<Record<string, string>>
  /** What that update leaves, encoded. */
  readonly trustState: string
  /** Each is refused, with `code`, in the place of the accepted file. */
  readonly refused: readonly { readonly name: string; readonly code: string; readonly file: string; readonly text: string }[]
}

/** A repository in its second root, with two ledgers. */
export function vectorRepository(): Repository {
  const repository = new Repository()
  repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.root, KEYS.spare])
  return repository
}

/** The refresh that the vectors pin. */
export function vectorUpdate(files: Files): ReturnType<typeof update> {
  return update(initialTrust(files['1.root.json']!, NOW), files, { ledgers: ['alpha', 'beta'] })
}

/** Files that a client must not take for those of {@link vectorRepository}. */
export function refusedFiles({ files }: Repository): TrustVectors['refused'] {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
  const timestamp = files['timestamp.json']!
  const stamp = text(timestamp)
  const inTimestamp = { file: 'timestamp.json', code: 'MALFORMED' }
  return [
    { name: 'cut short', ...inTimestamp, text: stamp.slice(0, -1) },
    { name: 'a line feed at the end', ...inTimestamp, text: `${stamp}\n` },
    { name: 'white space', ...inTimestamp, text: stamp.replace(':', ': ') },
    { name: 'an escape that is not needed', ...inTimestamp, text: stamp.replace('"timestamp"', '"t\\u0069mestamp"') },
    {
      name: 'signature in capitals',
      ...inTimestamp,
      text: stamp.replace(/"sig":"[0-9a-f]+"/, (sig) => `"sig":${sig.slice(6).toUpperCase()}`),
    },
    { name: 'a file that was not signed for', ...inTimestamp, text: stamp.replace('"meta":{', '"meta":{"alpha.json":{"version":1},') },
    { name: 'the same signature twice', ...inTimestamp, text: text(signAnything(fields(timestamp), [KEYS.timestamp, KEYS.timestamp])) },
    { name: 'another kind of file', ...inTimestamp, text: text(files['snapshot.json']!) },
    { name: 'a signature of another statement', file: 'timestamp.json', code: 'FORGED', text: stamp.replace('2027-01-02', '2027-01-03') },
    { name: 'a key without a part in the role', file: 'timestamp.json', code: 'FORGED', text: text(amend(timestamp, {}, [KEYS.stranger])) },
    {
      name: 'one more signature, of a stranger',
      file: 'timestamp.json',
      code: 'FORGED',
      text: text(amend(timestamp, {}, [KEYS.timestamp, KEYS.stranger])),
    },
    { name: 'no signature', file: 'timestamp.json', code: 'FORGED', text: text(amend(timestamp, {}, [])) },
    {
      name: 'expired',
      file: 'timestamp.json',
      code: 'EXPIRED',
      text: text(amend(timestamp, { expires: '2027-01-01T00:00:00Z' }, [KEYS.timestamp])),
    },
    {
      name: 'a later specification',
      file: 'timestamp.json',
      code: 'UNSUPPORTED_VERSION',
      text: text(amend(timestamp, { spec_version: '2.0.0' }, [KEYS.timestamp])),
    },
    {
      name: 'not the snapshot that is listed',
      file: 'snapshot.json',
      code: 'MIXED',
      text: text(amend(files['snapshot.json']!, { version: 2 }, [KEYS.snapshot])),
    },
    { name: 'another ledger’s file', file: 'alpha.json', code: 'MIXED', text: text(files['beta.json']!) },
    {
      name: 'a root that only its own key signed',
      file: '2.root.json',
      code: 'FORGED',
      text: text(amend(files['2.root.json']!, {}, [KEYS.spare])),
    },
    {
      name: 'a root that only its predecessor signed',
      file: '2.root.json',
      code: 'FORGED',
      text: text(amend(files['2.root.json']!, {}, [KEYS.root])),
    },
    {
      name: 'a root that skips a version',
      file: '2.root.json',
      code: 'MIXED',
      text: text(amend(files['2.root.json']!, { version: 3 }, [KEYS.root, KEYS.spare])),
    },
  ]
}
