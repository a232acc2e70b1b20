import { mutant, type Mutant } from './mutant.ts'

const inLog = { package: 'replica', focus: 'disks' } as const

/** Ways to misread a log that a disk has damaged. */
export const LOG: readonly Mutant[] = [
  mutant('S17', 'damage is taken for a torn write', 'log/segment.ts', 'strayAt: findRecord(bytes, at, next)', 'strayAt: undefined', inLog),
  mutant(
    'S17',
    'a torn write is taken for damage',
    'log/segment.ts',
    'strayAt: findRecord(bytes, at, next)',
    'strayAt: at < bytes.byteLength ? at : findRecord(bytes, at, next)',
    inLog,
  ),
  mutant(
    'S17',
    'records of the log need not follow each other',
    'log/segment.ts',
    'record === undefined || record.seq !== next.seq || record.prevCrc !== next.prevCrc',
    'record === undefined',
    inLog,
  ),
  mutant('S17', 'checksums of the log are not compared', 'log/record.ts', ' || crc !== checksum(salt, bytes.subarray(at, end))', '', inLog),
]
