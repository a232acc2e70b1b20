import { Node, type NodeEvent, stallOf } from '@cairn/node'
import type { Release } from '@cairn/trust'
import type { VerifyOptions } from '../commands/verify.ts'
import { readInputFile } from '../input-file.ts'
import { type CommandIo, jsonReporter } from '../io.ts'
import { formatBytes } from '../output/format.ts'

/** Brings a joined directory back to `release`: what is in it under other names is put back, the rest fetched. */
export async function repairDirectory(root: string, release: Release, options: VerifyOptions, io: CommandIo): Promise<void> {
  const { network, peers, timeoutMs, trust } = options
  const toJson = jsonReporter<NodeEvent>(io)
  let node: Node | undefined
  await using repairing = await Node.start(
    {
      selector: { ledger: release.ledger, height: release.height },
      trustRoot: readInputFile(trust ?? '', '--trust'),
      network,
      peers,
      into: root,
      listen: [],
      patienceMs: timeoutMs,
    },
    {
      clock: io.clock,
      random: io.random,
      log: io.log,
      reporter: {
        report(event) {
          if (event.type !== 'block-served') toJson.report(event)
          if (node === undefined) return
          const { phase, bytes, bytesHeld, peersCount } = node.progress
          io.progress.update({
            stage: phase,
            bytes: bytesHeld,
            bytesTotal: bytes === 0 ? undefined : bytes,
            peersCount,
            stall: stallOf(node.progress),
          })
        },
      },
    },
  )
  node = repairing
  const { bytesBySource, bytesReused } = await repairing.join(io.signal)
  io.progress.clear()
  const fetchedBytes = Object.values(bytesBySource).reduce((sum, bytes) => sum + bytes, 0)
  io.say(
    { type: 'repaired', directory: root, fetchedBytes, bytesReused },
    `repaired: fetched ${formatBytes(fetchedBytes)}, found ${formatBytes(bytesReused)} in the directory`,
  )
}
