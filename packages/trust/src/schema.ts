import { CHUNKS_MAX, PAGE_BYTES_MAX } from '@cairn/protocol'
import { z } from 'zod'
import { keyIdOf } from './keys.ts'
import { CHANNELS_MAX, KEYS_MAX, LEDGERS_MAX, RELEASES_MAX, ROLE_KEYS_MAX, SIGNATURES_MAX } from './limits.ts'
import { isChannelName, isLedgerName } from './names.ts'

// The shape of each file, checked before `@tufjs/models` sees it: that library takes any key type, any hash, dates like
// "May", fractions as versions, and drops what it does not know. Closed (`strictObject`) where a second form of the same
// thing would help an attacker; open (`looseObject`) where TUF lets later versions add signed fields.

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `not ${bytes} bytes in lower-case hex`)
const version = z.int().min(1)
const sha256Only = z.strictObject({ sha256: hex(32) })
const ascending = (values: readonly string[]): boolean => values.every((value, i) => i === 0 || values[i - 1]! < value)
const atMost =
  (max: number) =>
  (map: object): boolean =>
    Object.keys(map).length <= max

const expires = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'not YYYY-MM-DDTHH:MM:SSZ')
  // JavaScript reads February 30 as March 2: only an instant that prints as it was written is one.
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text.replace('Z', '.000Z'), 'no such instant')

const signatures = z
  .array(z.strictObject({ keyid: hex(32), sig: hex(64) }))
  .max(SIGNATURES_MAX)
  // Also what counts a key once: a threshold of two is not met by signing twice.
  .refine((list) => ascending(list.map((signature) => signature.keyid)), 'signatures are not in ascending order of key id, each once')

const key = z.strictObject({ keytype: z.literal('ed25519'), keyval: z.strictObject({ public: hex(32) }), scheme: z.literal('ed25519') })
const keys = z
  .record(hex(32), key)
  .refine(atMost(KEYS_MAX), `more than ${KEYS_MAX} keys`)
  // An id that is not derived from its key could give one key two ids, and so two votes.
  .refine((map) => Object.entries(map).every(([id, value]) => id === keyIdOf(value.keyval.public)), 'a key id is not the hash of its key')

const roleKeys = {
  keyids: z
    .array(hex(32))
    .min(1)
    .max(ROLE_KEYS_MAX)
    .refine((ids) => new Set(ids).size === ids.length, 'a key id twice in one role'),
  threshold: z.int().min(1),
}
const reachable = (role: { keyids: readonly string[]; threshold: number }): boolean => role.threshold <= role.keyids.length
const role = z.strictObject(roleKeys).refine(reachable, 'a threshold of more than all keys')

const delegation = z
  .strictObject({
    ...roleKeys,
    name: z.string().refine(isLedgerName, 'not a ledger name'),
    paths: z.array(z.string()).min(1),
    terminating: z.literal(true),
  })
  .refine(reachable, 'a threshold of more than all keys')

const listing = z.looseObject({ version, length: z.int().min(1).optional(), hashes: sha256Only.optional() })

/** What Cairn adds to a target. */
export const releaseCustomSchema = z.looseObject({
  cairn: z.looseObject({
    cid: z.string().max(128),
    channels: z
      .array(z.string().refine(isChannelName, 'not a channel name'))
      .max(CHANNELS_MAX)
      .refine(ascending, 'channels are not in ascending order, each once'),
    bytes: z.int().min(0),
    chunks: z.int().min(0).max(CHUNKS_MAX),
  }),
})

const release = z.looseObject({ length: z.int().min(1).max(PAGE_BYTES_MAX), hashes: sha256Only, custom: releaseCustomSchema })

const common = { spec_version: z.string().regex(/^1\.\d{1,3}(\.\d{1,3})?$/), version, expires }

function file<Shape extends z.core.$ZodLooseShape>(type: string, shape: Shape) {
  return z.strictObject({ signatures, signed: z.looseObject({ _type: z.literal(type), ...common, ...shape }) })
}

const knownKeys = (map: object, roles: Iterable<{ keyids: readonly string[] }>): boolean =>
  [...roles].every(({ keyids }) => keyids.every((id) => Object.hasOwn(map, id)))

const delegations = z
  .strictObject({
    keys,
    roles: z
      .array(delegation)
      .max(LEDGERS_MAX)
      .refine((roles) => ascending(roles.map(({ name }) => name)), 'ledgers are not in ascending order, each once'),
  })
  .refine(({ keys, roles }) => knownKeys(keys, roles), 'a role names a key that is not there')

/** `root.json`: the four roles and their keys. */
export const rootSchema = file('root', {
  consistent_snapshot: z.literal(false),
  keys,
  roles: z.strictObject({ root: role, snapshot: role, targets: role, timestamp: role }),
}).refine(({ signed }) => knownKeys(signed.keys, Object.values(signed.roles)), 'a role names a key that is not there')

/** `timestamp.json`: the newest snapshot file. */
export const timestampSchema = file('timestamp', { meta: z.strictObject({ 'snapshot.json': listing }) })

/** `snapshot.json`: the newest version of every other file. */
export const snapshotSchema = file('snapshot', {
  meta: z
    .record(z.string(), listing)
    .refine(atMost(LEDGERS_MAX + 1), `more than ${LEDGERS_MAX} ledgers`)
    .refine((meta) => Object.hasOwn(meta, 'targets.json'), 'targets.json is not listed')
    .refine((meta) => Object.keys(meta).every(isListable), 'lists a file that is no ledger’s'),
})

/** `targets.json`: which keys speak for which ledger; no releases of its own. */
export const targetsSchema = file('targets', { targets: z.strictObject({}), delegations })

/** `<ledger>.json`: the releases of one ledger; it delegates to nobody. */
export const ledgerSchema = file('targets', {
  targets: z.record(z.string(), release).refine(atMost(RELEASES_MAX), `more than ${RELEASES_MAX} releases`),
  delegations: z.never().optional(),
})

function isListable(name: string): boolean {
  return name === 'targets.json' || (name.endsWith('.json') && isLedgerName(name.slice(0, -'.json'.length)))
}
