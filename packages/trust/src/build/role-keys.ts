import type { JsonObject } from '../canonical-json.ts'
import { keyJson, type RoleKeys } from '../keys.ts'

/** The keys of all `roles` by id. */
export function keysJson(roles: readonly RoleKeys[]): JsonObject {
  return Object.fromEntries(roles.flatMap(({ keys }) => keys.map(({ keyId, publicKey }) => [keyId, keyJson(publicKey)])))
}

/** A role as root and targets metadata spell it. */
export function roleJson({ keys, threshold }: RoleKeys): JsonObject {
  return { keyids: keys.map(({ keyId }) => keyId).sort(), threshold }
}
