import type { PresetName } from '@cairn/ledger'
import type { HostPort } from '@cairn/observability'
import { defineCommand } from '../define-command.ts'
import { defaultFlag, optionalFlag, repeatedArgument, repeatedFlag, requiredArgument, switchFlag } from '../field.ts'
import { hostPort, multiaddr } from '../values/address.ts'
import { type SeatChange, seatChange, type SeatKey, seatKey } from '../values/committee.ts'
import { duration, integer } from '../values/number.ts'
import { oneOf, text } from '../values/parser.ts'
import { PRESET_NAMES } from '../values/preset-names.ts'

const ACTIONS = ['init', 'run', 'submit', 'read', 'status', 'verify-checkpoint', 'new-key', 'reconfigure'] as const
/** What each action takes. */
const VALUES: Readonly<Record<(typeof ACTIONS)[number], string>> = {
  init: 'DIR',
  run: 'DIR',
  submit: 'URL KEY VALUE',
  read: 'URL KEY',
  status: 'URL',
  'verify-checkpoint': 'URL',
  'new-key': 'DIR',
  reconfigure: 'DIR URL',
}
const LEVELS = ['final', 'local'] as const

export interface LedgerOptions {
  readonly action: (typeof ACTIONS)[number]
  /** A directory for `init`, `run`, `new-key` and `reconfigure`; the URL of a replica, then key and value, for the others. */
  readonly values: readonly string[]
  readonly preset: PresetName | undefined
  readonly unsigned: boolean
  readonly seat: number
  readonly listen: readonly string[]
  readonly peers: readonly string[]
  readonly clientPort: number
  readonly http: HostPort | undefined
  readonly level: (typeof LEVELS)[number]
  readonly trust: string | undefined
  readonly add: readonly SeatKey[]
  readonly remove: readonly number[]
  readonly replace: readonly SeatChange[]
  readonly timeoutMs: number
}

export const ledger = defineCommand({
  name: 'ledger',
  summary: 'run a seat of a replicated ledger, write to it and read from it',
  fields: {
    action: requiredArgument('ACTION', 'init, run, submit, read, status, verify-checkpoint, new-key or reconfigure', oneOf(...ACTIONS)),
    values: repeatedArgument(
      'VALUE',
      'DIR for init, run and new-key, DIR URL for reconfigure; URL KEY VALUE for submit, URL KEY for read, URL for the others',
      text('a value'),
    ),
    preset: optionalFlag(
      'preset',
      'NAME',
      'init: how many seats, and how many may fail (single unless named); reconfigure: the same of the next committee (as many may fail as before)',
      oneOf(...PRESET_NAMES),
    ),
    unsigned: switchFlag('unsigned', 'init: operations need no signature, because whoever reaches a seat is trusted'),
    seat: defaultFlag('seat', 'N', 'run and new-key: which seat, by the name of its directory', integer(0, 0), '0'),
    listen: repeatedFlag('listen', 'MULTIADDR', 'run: where other seats reach this one', multiaddr, { fallback: ['/ip4/127.0.0.1/tcp/0'] }),
    peers: repeatedFlag('peer', 'MULTIADDR', 'run: another seat', multiaddr),
    clientPort: defaultFlag(
      'client-port',
      'PORT',
      'run: where clients reach it on this machine; 0 takes a free one',
      integer(0, 4400),
      '0',
    ),
    http: optionalFlag('http', 'HOST:PORT', 'run: serve health, readiness, metrics and status here; port 0 takes a free one', hostPort),
    level: defaultFlag(
      'level',
      'LEVEL',
      'read: final for all that was final anywhere when it was asked, local for what that replica has, which may lag',
      oneOf(...LEVELS),
      'final',
    ),
    trust: optionalFlag('trust', 'FILE', 'verify-checkpoint: the trust.json that init wrote (required)', text('a file')),
    add: repeatedFlag('add', 'PEER/KEY', 'reconfigure: a seat more, for what new-key printed', seatKey),
    remove: repeatedFlag('remove', 'N', 'reconfigure: a seat less; N as status counts them', integer(0, 2)),
    replace: repeatedFlag(
      'replace',
      'N=PEER/KEY',
      'reconfigure: the seat goes to another replica, or to another key of its own',
      seatChange,
    ),
    timeoutMs: defaultFlag('timeout', 'DURATION', 'give up after this long', duration, '30s'),
  },
  check: checkValues,
  runsUntilStopped: ({ action }) => action === 'run',
  logLevel: 'warn',
  examples: [
    { line: 'cairn ledger init ./ledger --preset cft-3', does: 'three seats; move each seat-N to its machine, with ledger.json' },
    { line: 'cairn ledger run ./ledger --seat 0 --listen /ip4/0.0.0.0/tcp/4300 --peer /ip4/10.0.0.2/tcp/4300', does: 'one of them' },
    { line: 'cairn ledger submit http://127.0.0.1:4400 name value', does: 'writes, and waits until it is final' },
    {
      line: 'cairn ledger new-key ./ledger --seat 3',
      does: 'makes the keys of a replica that is to join, or of a seat that is to have another key',
    },
    {
      line: 'cairn ledger reconfigure ./ledger http://127.0.0.1:4400 --replace 2=12D3KooW…/9f86d081…',
      does: 'lets the seats in ./ledger agree to that; copy next.json to the other machines',
    },
    { line: 'cairn ledger read http://127.0.0.1:4400 name', does: 'reads what is final by now, and checks the proof' },
  ],
})

function checkValues({ action, values, trust, add, remove, replace }: LedgerOptions): string | undefined {
  if (values.length !== VALUES[action].split(' ').length) return `ledger ${action} takes ${VALUES[action]}`
  if (action === 'reconfigure' && add.length + remove.length + replace.length === 0)
    return 'nothing is to change: --add, --remove or --replace is missing'
  return action === 'verify-checkpoint' && trust === undefined ? '--trust FILE is missing: the trust.json that init wrote' : undefined
}
