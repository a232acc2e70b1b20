/**
 * Gives the memory behind `bytes` back now, instead of at some later garbage collection: large buffers that are made and dropped at the
 * rate of a network make V8 collect all the time, and each collection marks the whole heap. `bytes` and all other views of the same
 * buffer are empty afterwards, so only the sole owner of a buffer may do this.
 *
 * Shared memory is left alone, and so is a buffer of which `bytes` is less than half: Node keeps small Buffers together in one.
 */
export function freeMemory(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && 2 * bytes.byteLength >= buffer.byteLength && buffer.byteLength > 0) buffer.transfer(0)
}
