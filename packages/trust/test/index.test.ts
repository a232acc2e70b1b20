import assert from 'node:assert/strict'
import { it } from 'node:test'
import * as trust from '../src/index.ts'

it('exports what other packages may rely on, and nothing else', () => {
  assert.deepEqual(Object.keys(trust).sort(), [
    'DEFAULT_CHANNEL',
    'RELEASES_MAX',
    'TrustError',
    'TrustUpdate',
    'addRelease',
    'checkFreshness',
    'createSigner',
    'decodeTrustState',
    'delegatedKeys',
    'encodeTrustState',
    'expiries',
    'fileOf',
    'freshUntil',
    'initialTrust',
    'isChannelName',
    'isFoundedOn',
    'isLedgerName',
    'judgeTimestamp',
    'knownLedgers',
    'metadataFile',
    'newLedger',
    'newRoot',
    'newSnapshot',
    'newTargets',
    'newTimestamp',
    'parsePublicKey',
    'parseSelector',
    'releases',
    'resolveRelease',
    'rootFileOf',
  ])
})
