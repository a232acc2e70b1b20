// A thread that turns deltas into frames, one at a time: some milliseconds each, which a server has not got to spare.
import { ProtocolError } from '@cairn/protocol/chunk'
import { serveCalls } from '@cairn/storage/worker'
import { rebuildFrame, type RebuildJob } from '@cairn/swarm/rebuild-frame'
import type { RebuildReply } from './rebuild-thread.ts'

serveCalls((job: RebuildJob): RebuildReply => {
  try {
    return { type: 'rebuilt', frame: rebuildFrame(job) }
  } catch (error) {
    if (error instanceof ProtocolError) return { type: 'refused', fault: error.fault }
    throw error
  }
})
