import { isLedgerName, parseSelector, TrustError } from '@cairn/trust'
import type { ValueParser } from './parser.ts'

/** Which release: a ledger, and a height or a channel of it; neither stands for the newest on `stable`. */
export type ReleaseSelector = ReturnType<typeof parseSelector>

export const ledgerName: ValueParser<string> = {
  accepts: 'a ledger name: a lower-case letter, then letters, digits, - and _, such as mainnet',
  read: (text) => (isLedgerName(text) ? text : undefined),
}

export const release: ValueParser<ReleaseSelector> = {
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
