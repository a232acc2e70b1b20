import { type SampleEntry, sampleBytes, sampleSnapshot } from '../../src/testing/index.ts'

const repeated = sampleBytes('repeated', 16 * 1024)

/** Thirty files of some twelve chunks; one chunk is in all of them. */
export const killTree: readonly SampleEntry[] = [
  { type: 'directory', path: 'd', mode: 0o755 },
  ...Array.from({ length: 30 }, (_, i): SampleEntry => {
    const content = Buffer.concat([repeated, sampleBytes(i, 180_000 + i)])
    return { type: 'file', path: `d/${String(i).padStart(2, '0')}`, mode: i % 5 === 0 ? 0o400 : 0o644, content }
  }),
  { type: 'symlink', path: 'link', target: 'd/00' },
]

export const killSnapshot = sampleSnapshot(killTree)
