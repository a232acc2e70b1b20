const NAME = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/
const REGION = /^[a-z0-9-]{0,32}$/
const METADATA_FILE = /^(\d{1,10}\.)?[a-z0-9][a-z0-9._-]{0,63}\.json$/
const ADDRESS = /^\/[\x21-\x7e]+$/

/** Whether `text` can name a network or a ledger. Names become topic components and file names, hence no dots, slashes or capitals. */
export function isName(text: string): boolean {
  return NAME.test(text)
}

/** Whether `text` can name a region. The empty text says that a peer keeps its region to itself. */
export function isRegion(text: string): boolean {
  return REGION.test(text)
}

/** Whether `text` names a trust metadata file, such as `timestamp.json` or `3.root.json`. It holds no path separator. */
export function isMetadataFile(text: string): boolean {
  return METADATA_FILE.test(text)
}

/**
 * Whether `text` may be a multiaddr of at most `bytesMax` bytes: printable ASCII that starts with `/`.
 * Only the network can tell whether it is one.
 */
export function isAddressText(text: string, bytesMax: number): boolean {
  return text.length <= bytesMax && ADDRESS.test(text)
}
