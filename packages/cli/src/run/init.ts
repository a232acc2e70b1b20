import { Workspace } from '@cairn/origin/publish'
import type { CommandHandler } from '../handlers.ts'

/** Makes a workspace, or adds ledgers to one. */
export const runInit: CommandHandler<'init'> = async ({ workspace, ledgers, network }, io) => {
  const offline = new Set<string>()
  const online = new Set<string>()
  let rootPath = ''
  for (const ledger of ledgers) {
    const summary = await Workspace.init(workspace, { ledger, network, clock: io.clock })
    rootPath = summary.rootPath
    for (const path of summary.offlineKeyPaths) offline.add(path)
    for (const path of summary.onlineKeyPaths) online.add(path)
  }
  io.say(
    { type: 'initialized', workspace, network, ledgers, root: rootPath, offlineKeys: [...offline], onlineKeys: [...online] },
    [
      `workspace ${workspace} for ${ledgers.join(', ')}`,
      `give out           ${rootPath}`,
      ...[...offline].map((path) => `take offline       ${path}`),
      ...[...online].map((path) => `keep to publish    ${path}`),
      '',
      'Whoever holds the offline keys can replace all others: move them to a medium that is not connected,',
      'and bring them back only to add a ledger or to replace a key.',
    ].join('\n'),
  )
}
