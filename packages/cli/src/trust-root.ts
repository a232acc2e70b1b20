import type { TrustRoot } from '@cairn/ledger'
import { z } from 'zod'
import { UsageError } from './errors.ts'
import { readInputFile } from './input-file.ts'

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 lower-case hexadecimal digits')
const trustRoot = z.object({
  networkId: digest,
  chainId: z.int().min(0),
  epoch: z.int().min(0),
  committee: digest,
  checkpoint: digest,
  notAfter: z.int().min(0),
}) satisfies z.ZodType<TrustRoot>

/**
 * The trust root of a ledger in the file that `--trust` names.
 *
 * @throws {UsageError} naming the member that is not as it must be: half a root would be believed half
 */
export function readTrustRoot(path: string): TrustRoot {
  const result = trustRoot.safeParse(parsed(path, readInputFile(path, '--trust')))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw notOne(path, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'malformed'}`)
}

function parsed(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw notOne(path, 'it is not JSON', cause)
  }
}

function notOne(path: string, reason: string, cause?: unknown): UsageError {
  return new UsageError(`--trust ${path} is no trust root: ${reason}`, 'give the trust.json that cairn ledger init wrote', { cause })
}
