import { defineCommand } from '../define-command.ts'
import { repeatedFlag, requiredFlag } from '../field.ts'
import { LISTEN_EVERYWHERE, serveFields, type ServeOptions } from '../options.ts'
import { multiaddr } from '../values/address.ts'
import { text } from '../values/parser.ts'

export interface OriginOptions extends ServeOptions {
  readonly workspace: string
  readonly peers: readonly string[]
}

export const origin = defineCommand({
  name: 'origin',
  summary: 'serve what was published, and keep its timestamp fresh',
  fields: {
    workspace: requiredFlag('workspace', 'DIR', 'the workspace to serve', text('a directory')),
    peers: repeatedFlag('peer', 'MULTIADDR', 'a peer to connect to', multiaddr),
    ...serveFields(LISTEN_EVERYWHERE),
  },
  runsUntilStopped: () => true,
  logLevel: 'info',
  examples: [
    { line: 'cairn origin --workspace ./workspace', does: 'print where it listens and serve until stopped' },
    {
      line: 'cairn origin --workspace ./workspace --listen /ip4/0.0.0.0/tcp/4001 --http 127.0.0.1:9000',
      does: 'at fixed addresses, with metrics',
    },
  ],
})
