import type { RoleProcess } from '../process.ts'
import type { Endpoint, Site } from '../site.ts'
import type { Tool } from '../tools.ts'

/** What is distributed, and what it must look like on arrival. */
export interface Payload {
  readonly directory: string
  readonly bytes: number
  /** By `treeDigest`. */
  readonly digest: string
}

/** One way of bringing a directory from a source to nodes. */
export interface Contender {
  readonly name: string
  /** How it was set up, where a reader could ask. */
  readonly note?: string
  readonly tools: readonly Tool[]
  /** Does once what a publisher does once, into an empty directory. Not part of what is measured. */
  prepare(payload: Payload, directory: string): Promise<Deployment>
}

export interface Deployment {
  /** What the snapshot takes on the wire at least, where the contender compresses. */
  readonly compressedBytes?: number
  /** Says on a node's stdout that all plain files are in place and verified. Nodes stay afterwards, and serve where they can. */
  readonly complete: RegExp
  /** Resolves when it serves. */
  startSource(site: Site): Promise<Source>
  /** `others`: the nodes besides it. */
  startNode(site: Site, source: SourceAddress, others: readonly Endpoint[]): RoleProcess
}

export interface Source {
  /** Whose cost counts. */
  readonly role: RoleProcess
  /** What the measurement needs and a user has anyway, such as a tracker. */
  readonly helpers: readonly RoleProcess[]
  /** Peer id, where there is such a thing. */
  readonly id: string
}

export interface SourceAddress extends Endpoint {
  readonly id: string
}
