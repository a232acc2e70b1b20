/** What a node waits for before its download starts. */
export type WaitReason = 'connecting' | 'metadata' | 'manifest' | 'checking' | 'deltas' | 'reusing'

/** One clause for people: why nothing arrives yet. */
export function describeWait(reason: WaitReason): string {
  switch (reason) {
    case 'connecting':
      return 'no peer is connected'
    case 'metadata':
      return 'no peer has sent signed metadata that verifies'
    case 'manifest':
      return 'the list of chunks is being fetched'
    case 'checking':
      return 'what is here is being checked'
    case 'deltas':
      return 'sources are working out what this version adds to what is here'
    case 'reusing':
      return 'what is on this machine already is being put in place'
    default:
      return reason satisfies never
  }
}
