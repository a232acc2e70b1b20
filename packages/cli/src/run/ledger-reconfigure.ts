import { join } from 'node:path'
import { type Committee, LedgerError, PRESETS } from '@cairn/ledger'
import { changedCommittee, encodeNextCommittee, LedgerClient, NEXT_COMMITTEE_FILE, readLedgerFile } from '@cairn/replica'
import { writeFileDurably } from '@cairn/storage'
import type { LedgerOptions } from '../commands/ledger.ts'
import { UsageError } from '../errors.ts'
import type { CommandIo } from '../io.ts'

/** Writes what the operator of the seats in `directory` lets them agree to; the replicas that run there read it. */
export async function reconfigure(
  directory: string,
  url: string,
  options: LedgerOptions,
  signal: AbortSignal,
  io: CommandIo,
): Promise<void> {
  const { remove, replace, preset } = options
  const { ledger } = await readLedgerFile(directory)
  const { epoch, committee } = await new LedgerClient(url).committee(signal)
  const unknown = [...remove, ...replace.map(({ seat }) => seat)].find((seat) => seat >= committee.size.n)
  if (unknown !== undefined) throw new UsageError(`there is no seat ${unknown}: the committee of epoch ${epoch} has ${committee.size.n}`)
  const next = changed(committee, options)
  const path = join(directory, NEXT_COMMITTEE_FILE)
  await writeFileDurably(path, Buffer.from(encodeNextCommittee({ ledger, epoch, follows: committee.hash, committee: next })))
  const { n } = next.size
  io.say(
    { type: 'next-committee', path, epoch, follows: committee.hash, committee: next.hash, seats: n },
    `${path}: after epoch ${epoch} ${n} ${n === 1 ? 'seat decides' : 'seats decide'}, committee ${next.hash}`,
  )
  const members = next.members.map(
    ({ peer }, seat) => `  seat ${seat}  ${peer}${committee.members[seat]?.peer === peer ? '' : '  (new here)'}`,
  )
  io.note(
    [...members, 'put the same file beside ledger.json on every machine: it is so when a quorum of seats and all that join have it'].join(
      '\n',
    ),
  )
  if (preset === undefined && n !== committee.size.n)
    io.note(`as many seats may fail as before: f=${next.size.f} c=${next.size.c} p=${next.size.p}`)
}

function changed(committee: Committee, { add, remove, replace, preset }: LedgerOptions): Committee {
  try {
    return changedCommittee(committee, {
      remove,
      replace: replace.map(({ seat, peer, publicKey }) => ({
        seat,
        member: { peer, publicKey, role: committee.members[seat]?.role ?? 'full' },
      })),
      add: add.map(({ peer, publicKey }) => ({ peer, publicKey, role: 'full' as const })),
      ...(preset !== undefined && { size: PRESETS[preset] }),
    })
  } catch (error) {
    if (error instanceof LedgerError) throw new UsageError(error.message)
    throw error
  }
}
