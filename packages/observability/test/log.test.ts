import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { createLog, LOG_LIST_ITEMS_MAX, LOG_VALUE_CHARS_MAX, ObservabilityError, REDACTED } from '../src/index.ts'

describe('log', () => {
  it('writes one JSON object a line: level, time, event, fields', () => {
    const lines = new Lines()
    const log = createLog({ level: 'info', destination: lines, bindings: { role: 'node' }, clock: new ManualClock() })
    log.info('chunk-refused', { peer: '12D3', bytes: 7 })
    assert.equal(
      lines.text,
      '{"level":"info","time":"2026-01-01T00:00:00.000Z","event":"chunk-refused","role":"node","peer":"12D3","bytes":7}\n',
    )
  })

  it('leaves out what is below its level', () => {
    const lines = new Lines()
    const log = createLog({ level: 'warn', destination: lines })
    log.info('quiet')
    log.warn('heard')
    log.child({ a: 1 }).debug('quiet')
    assert.deepEqual(
      lines.objects.map((line) => line['event']),
      ['heard'],
    )
  })

  it('lets a child add and replace fields, each name once', () => {
    const lines = new Lines()
    createLog({ level: 'debug', destination: lines, bindings: { peer: 'a' } })
      .child({ peer: 'b', stage: 'hot' })
      .error('e', { peer: 'c' })
    assert.equal(lines.text.match(/"peer"/g)?.length, 1)
    assert.equal(lines.objects[0]?.['peer'], 'c')
    assert.equal(lines.objects[0]?.['stage'], 'hot')
  })

  it('never writes a secret, whether its name or its value gives it away', () => {
    const lines = new Lines()
    const log = createLog({ level: 'info', destination: lines, bindings: { secret: 'S3CRET' } })
    log.info('loaded', {
      privateKey: 'S3CRET',
      'private-key': 'S3CRET',
      clientSecret: 'S3CRET',
      passphrase: 'S3CRET',
      key: '-----BEGIN PRIVATE KEY-----\nS3CRET',
      files: ['-----BEGIN EC PRIVATE KEY----- S3CRET'],
      publicKey: 'ed25519:abc',
      keyId: 'f00',
    })
    log.child({ authToken: 'S3CRET' }).info('again')
    assert.doesNotMatch(lines.text, /S3CRET/)
    assert.equal(lines.objects[0]?.['privateKey'], REDACTED)
    assert.equal(lines.objects[0]?.['publicKey'], 'ed25519:abc')
    assert.equal(lines.objects[0]?.['keyId'], 'f00')
  })

  it('keeps a peer from breaking or filling the line', () => {
    const lines = new Lines()
    createLog({ level: 'info', destination: lines }).info('refused', {
      reason: `\n{"event":"forged"}${'x'.repeat(2 * LOG_VALUE_CHARS_MAX)}`,
      names: Array.from({ length: LOG_LIST_ITEMS_MAX + 5 }, () => 'n'),
      event: 'forged',
      level: 'forged',
      absent: undefined,
    })
    const line = lines.objects[0] ?? {}
    assert.equal(lines.objects.length, 1)
    assert.equal(line['event'], 'refused')
    assert.equal(line['event_'], 'forged')
    assert.equal(line['level'], 'info')
    assert.equal((line['reason'] as string).length, LOG_VALUE_CHARS_MAX + 1)
    assert.equal((line['names'] as string[]).at(-1), '… 5 more')
    assert.equal(Object.hasOwn(line, 'absent'), false)
  })

  it('appends to a file, and says which one it cannot write', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'cairn-log-'))
    t.after(() => rm(directory, { recursive: true }))
    const path = join(directory, 'cairn.log')
    createLog({ level: 'info', destination: path }).info('first')
    createLog({ level: 'info', destination: path }).info('second')
    assert.match(await readFile(path, 'utf8'), /"first".*\n.*"second".*\n/)
    assert.throws(
      () => createLog({ level: 'info', destination: join(directory, 'absent', 'cairn.log') }),
      (error) => error instanceof ObservabilityError && error.fault.code === 'LOG_UNWRITABLE' && error.message.includes('absent'),
    )
  })
})

class Lines {
  text = ''

  write(line: string): void {
    this.text += line
  }

  get objects(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}
