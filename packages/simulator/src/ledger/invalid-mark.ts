/** An operation that fails static validation carries this as its first byte. */
export const INVALID_MARK = 0xff
