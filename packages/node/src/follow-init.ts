import type { NodeInit } from './node.ts'

export interface FollowInit extends NodeInit {
  /** Versions on the disk, the one on its way included; at least two. */
  readonly keep: number
  /** Files that two versions share are copied, not linked: for readers that write into them. */
  readonly isCopying?: boolean
}
