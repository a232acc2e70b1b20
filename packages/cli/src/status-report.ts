import { ObservabilityError, type StatusReport } from '@cairn/observability'
import { z } from 'zod'

/** Members that this version does not know are kept for `--json`; those that it shows must be what they should be. */
const report = z.looseObject({
  role: z.string(),
  version: z.string(),
  peer: z.string(),
  addresses: z.array(z.string()),
  uptimeMs: z.number(),
  ready: z.boolean(),
  reason: z.string(),
  snapshots: z.array(
    z.looseObject({
      ledger: z.string(),
      height: z.number(),
      manifest: z.string(),
      stage: z.string(),
      bytes: z.number(),
      bytesTotal: z.number(),
      bytesPerSecond: z.number().exactOptional(),
      etaMs: z.number().exactOptional(),
      stall: z.string().exactOptional(),
    }),
  ),
  peers: z.array(
    z.looseObject({
      peer: z.string(),
      state: z.enum(['connected', 'disconnected', 'banned']),
      address: z.string().exactOptional(),
      bytesFetched: z.number(),
      bytesServed: z.number(),
      fault: z.string().exactOptional(),
      faultsCount: z.number(),
    }),
  ),
  ledger: z
    .looseObject({
      chain: z.string(),
      epoch: z.number(),
      slot: z.number(),
      seat: z.number().exactOptional(),
      finalHeight: z.number(),
      appliedHeight: z.number(),
      checkpointHeight: z.number(),
      seats: z.array(
        z.looseObject({
          seat: z.number(),
          peer: z.string(),
          state: z.enum(['self', 'connected', 'disconnected']),
          behindSlots: z.number(),
        }),
      ),
    })
    .exactOptional(),
}) satisfies z.ZodType<StatusReport>

/** @throws {ObservabilityError} `STATUS_UNREADABLE`, naming the member that is not as it must be */
export function parseStatusReport(url: string, value: unknown): StatusReport {
  const result = report.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ObservabilityError({
    code: 'STATUS_UNREADABLE',
    url,
    reason: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'malformed'}`,
  })
}
