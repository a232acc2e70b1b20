// What a ledger's software does with a followed directory: it opens DIR/current and reads, again and again.
//
//   node follow-reader.ts DIR     prints JSON lines, until SIGTERM:
//
//   seen       a version that was read from one opened directory, when it is another than before: its height by the first and by the
//              last file, and the digest of all of it
//   backwards  DIR/current, looked up anew for each file, gave an older version after a newer one
//   broken     something could not be read although DIR/current still led there
//   done       how often
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { treeDigest } from '../../test/bench/tree.ts'
import { MARKERS } from './follow-versions.ts'

/** Between two looks: nobody waits for the reader, and the machine has others to serve. */
const PAUSE_MS = 5
/** All of a version is read when it is new, and then once in so many looks. */
const LOOKS_PER_DIGEST = 50

const current = join(process.argv[2] ?? '.', 'current')
const counts = { looks: 0, digests: 0, disturbed: 0 }
let isStopped = false
process.once('SIGTERM', () => (isStopped = true))

let seen = ''
let newest = 0
while (!isStopped) {
  const directory = await realpath(current).catch(() => undefined)
  if (directory !== undefined) await look(directory)
  await delay(PAUSE_MS)
}
say({ type: 'done', ...counts })

async function look(directory: string): Promise<void> {
  try {
    const [first, last] = [await markerOf(directory, 0), await markerOf(directory, 1)]
    const looked = `${directory} ${first} ${last}`
    if (looked !== seen || counts.looks % LOOKS_PER_DIGEST === 0) {
      const digest = await treeDigest(directory, '.cairn')
      counts.digests++
      say({ type: 'seen', first, last, digest })
      seen = looked
    }
    counts.looks++
    for (const index of [0, 1] as const) {
      const height = await markerOf(current, index)
      if (height < newest) say({ type: 'backwards', from: newest, to: height })
      newest = height
    }
  } catch (error) {
    // A version that is no longer in use may be removed while it is read; the one in use may not.
    if ((await realpath(current)) === directory) say({ type: 'broken', directory, error: String(error) })
    else counts.disturbed++
  }
}

async function markerOf(directory: string, which: 0 | 1): Promise<number> {
  return Number(await readFile(join(directory, MARKERS[which]), 'utf8'))
}

function say(event: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(event))
}
