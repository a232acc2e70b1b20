import { STAGES, type StageClass } from '@cairn/protocol'
import { INGEST_FILES_MAX } from '../limits.ts'
import type { PublishPlan, StagedEntry } from './plan.ts'

/** What a thread is handed at once: entries in the order of the manifest. */
export interface IngestUnit {
  readonly entries: readonly { readonly stage: StageClass; readonly entry: StagedEntry }[]
  /** Bytes of its files. More than were allowed only if it is a single file, which is then cut in parts. */
  readonly bytes: number
}

/** Divides a plan into units of at most `bytesMax` bytes; a file that is larger is one by itself. */
export function* ingestUnits(plan: PublishPlan, bytesMax: number): Generator<IngestUnit> {
  let entries: { stage: StageClass; entry: StagedEntry }[] = []
  let bytes = 0
  for (const stage of STAGES) {
    for (const entry of plan.sections[stage]) {
      const entryBytes = entry.type === 'file' ? entry.bytes : 0
      if (entries.length > 0 && (bytes + entryBytes > bytesMax || entries.length >= INGEST_FILES_MAX)) {
        yield { entries, bytes }
        entries = []
        bytes = 0
      }
      entries.push({ stage, entry })
      bytes += entryBytes
    }
  }
  if (entries.length > 0) yield { entries, bytes }
}
