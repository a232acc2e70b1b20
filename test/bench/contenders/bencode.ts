export type Bencodable = number | string | Buffer | readonly Bencodable[] | { readonly [key: string]: Bencodable }

/** BEP 3. Strings are UTF-8; keys come out sorted by their bytes. */
export function bencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`)
  if (typeof value === 'string') return bencode(Buffer.from(value))
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  if (isList(value)) return Buffer.concat([Buffer.from('l'), ...value.map(bencode), Buffer.from('e')])
  const entries = Object.entries(value as Readonly<Record<string, Bencodable>>).sort(([a], [b]) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )
  return Buffer.concat([Buffer.from('d'), ...entries.flatMap(([key, member]) => [bencode(key), bencode(member)]), Buffer.from('e')])
}

function isList(value: Bencodable): value is readonly Bencodable[] {
  return Array.isArray(value)
}
