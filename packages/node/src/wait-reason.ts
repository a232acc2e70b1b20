/** What a node waits for before its download starts. */
export type WaitReason = 'connecting' | 'metadata' | 'manifest' | 'checking' | 'reusing'

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
    case 'reusing':
      return 'what is on this machine already is being put in place'
    default:
      return reason satisfies never
  }
}
