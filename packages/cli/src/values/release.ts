import { isName } from '@cairn/protocol'
import { isChannelName, isLedgerName, parseSelector, type Selector, TrustError } from '@cairn/trust'
import type { ValueParser } from './parser.ts'

export const networkName: ValueParser<string> = {
  accepts: 'a network name: lower-case letters and digits, with hyphens between them, such as main',
  read: (text) => (isName(text) ? text : undefined),
}

export const ledgerName: ValueParser<string> = {
  accepts: 'a ledger name: a lower-case letter, then letters and digits, with hyphens between them, such as mainnet',
  // A ledger's name goes into manifests as well as into trust metadata.
  read: (text) => (isLedgerName(text) && isName(text) ? text : undefined),
}

export const channelName: ValueParser<string> = {
  accepts: 'a channel name: a lower-case letter, then letters, digits, - and _, such as canary',
  read: (text) => (isChannelName(text) ? text : undefined),
}

export const release: ValueParser<Selector> = {
  accepts: 'a release such as mainnet, mainnet@1200 or mainnet@canary',
  read(text) {
    try {
      return parseSelector(text)
    } catch (error) {
      if (error instanceof TrustError) return undefined
      throw error
    }
  },
}
