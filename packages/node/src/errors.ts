/** Why a join was refused before or after bytes were fetched. */
export type NodeFault =
  /** The signed release and the manifest it names disagree: the publisher's mistake or a stolen key. */
  { readonly code: 'MANIFEST_MISMATCH'; readonly snapshot: string; readonly what: string; readonly found: string; readonly wanted: string }

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly fault: NodeFault

  constructor(fault: NodeFault) {
    super(`the manifest of ${fault.snapshot} is of ${fault.what} ${fault.found}, the release says ${fault.wanted}`)
    this.fault = fault
  }
}
