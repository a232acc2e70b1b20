import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { StorageError } from '@cairn/storage'
import type { CacheOptions } from '../src/commands/cache.ts'
import type { JoinOptions } from '../src/commands/join.ts'
import type { CommandIo } from '../src/index.ts'
import { FakeHost } from './fake-host.ts'

const JOIN = ['join', 'mainnet@canary', '--trust', 'root.json', '--peer', '/ip4/127.0.0.1/tcp/4001', '--into', 'state']

describe('options', () => {
  it('reach the handler checked, with their defaults', async () => {
    const host = new FakeHost()
    let options: JoinOptions | undefined
    assert.equal(await host.run(JOIN, { join: async (given) => void (options = given) }), 0)
    assert.deepEqual(options, {
      release: { ledger: 'mainnet', channel: 'canary' },
      trust: 'root.json',
      peers: ['/ip4/127.0.0.1/tcp/4001'],
      into: 'state',
      stay: false,
      follow: false,
      keep: 2,
      copy: false,
      seeds: [],
      stage: undefined,
      maxRate: undefined,
      network: 'main',
      region: undefined,
      trace: undefined,
      timeoutMs: 60_000,
      listen: ['/ip4/0.0.0.0/tcp/0'],
      http: undefined,
      mdns: false,
    })
    assert.equal(host.stdout.text + host.stderr.text, '')
  })

  it('repeat where they may, and the last counts where they may not', async () => {
    const host = new FakeHost()
    let options: JoinOptions | undefined
    const line = [...JOIN, '--peer', '/ip4/127.0.0.1/tcp/4002', '--timeout', '1s', '--timeout=2s']
    assert.equal(await host.run(line, { join: async (given) => void (options = given) }), 0)
    assert.equal(options?.peers.length, 2)
    assert.equal(options?.timeoutMs, 2000)
  })

  const mistakes: [line: readonly string[], message: RegExp, hint: RegExp][] = [
    [[], /no command/, /cairn --help/],
    [['jion'], /unknown command 'jion'/, /did you mean join/],
    [['join'], /LEDGER\S* is missing/, /cairn join --help/],
    [['join', 'mainnet'], /--trust FILE is missing/, /cairn join --help/],
    [['join', 'mainnet', '--pear', 'x'], /unknown option '--pear'/, /did you mean --peer/],
    [['join', 'mainnet', '--trust'], /'--trust <FILE>' argument missing/, /cairn join --help/],
    [['join', 'mainnet', '--trust', 'r', '--into', 'd'], /--peer MULTIADDR at least once/, /cairn join --help/],
    [[...JOIN, '--stage', 'bulk'], /--stage must be one of bootstrap, hot, not "bulk"/, /cairn join --help/],
    [[...JOIN, '--stage', 'hot', '--stay'], /give one of them/, /cairn join --help/],
    [[...JOIN, '--stage', 'hot', '--follow'], /--follow does not return: give one of them/, /cairn join --help/],
    [[...JOIN, '--copy'], /--copy is for --follow/, /cairn join --help/],
    [[...JOIN, '--follow', '--keep', '1'], /--keep must be a whole number from 2 on/, /cairn join --help/],
    [JOIN.with(1, 'mainnet@5').concat('--follow'), /--follow goes where a channel points/, /cairn join --help/],
    [['rollback', 'node', 'back'], /HEIGHT must be a whole number/, /cairn rollback --help/],
    [['verify', 'state', '--repair'], /--repair needs --trust FILE and --peer MULTIADDR/, /cairn verify --help/],
    [['verify', 'state', '--peer', '/ip4/127.0.0.1/tcp/4001'], /--peer is for --repair/, /cairn verify --help/],
    [[...JOIN, '--max-rate', '10Mbit/s'], /--max-rate must be a rate such as 10MiB\/s/, /cairn join --help/],
    [[...JOIN, '--timeout', '30'], /--timeout must be a duration .*not "30"/, /cairn join --help/],
    [[...JOIN, '--peer', '127.0.0.1:4001'], /--peer must be a multiaddr such as .*, not "127\.0\.0\.1:4001"/, /cairn join --help/],
    [[...JOIN, '--http', 'nowhere'], /--http must be HOST:PORT/, /cairn join --help/],
    [['diff', 'a', '--workspace', 'w'], /B is missing/, /cairn diff --help/],
    [['show', 'a', 'b', '--workspace', 'w'], /too many arguments/, /cairn show --help/],
    [['list'], /either --workspace DIR, or --trust FILE and --peer MULTIADDR/, /cairn list --help/],
    [['list', '--workspace', 'w', '--trust', 'r'], /exclude each other/, /cairn list --help/],
    [['list', '--peer', '/ip4/1.2.3.4/tcp/1'], /--peer needs --trust/, /cairn list --help/],
    [['ledger', 'init', 'a', 'b'], /^cairn: ledger init takes DIR$/, /cairn ledger --help/],
    [['ledger', 'submit', 'http://127.0.0.1:1', 'name'], /^cairn: ledger submit takes URL KEY VALUE$/, /cairn ledger --help/],
    [['ledger', 'reconfigure', 'd'], /^cairn: ledger reconfigure takes DIR URL$/, /cairn ledger --help/],
    [['ledger', 'reconfigure', 'd', 'http://127.0.0.1:1'], /nothing is to change: --add, --remove or --replace/, /cairn ledger --help/],
    [['ledger', 'reconfigure', 'd', 'u', '--add', 'x'], /--add must be PEER\/KEY/, /cairn ledger --help/],
    [['ledger', 'verify-checkpoint', 'http://127.0.0.1:1'], /--trust FILE is missing: the trust.json/, /cairn ledger --help/],
    [['publish', 'd', '--workspace', 'w', '--ledger', 'a', '--height', 'x'], /--height must be a whole number/, /cairn publish --help/],
  ]
  for (const [line, message, hint] of mistakes) {
    it(`are a usage error: cairn ${line.join(' ')}`, async () => {
      const host = new FakeHost()
      assert.equal(await host.run(line), 2)
      assert.match(host.stderr.lines[0] ?? '', message)
      assert.match(host.stderr.lines[1] ?? '', hint)
      assert.equal(host.stderr.lines.length, 2)
      assert.equal(host.stdout.text, '')
    })
  }
})

describe('configuration file', () => {
  it('gives flags, and the command line wins', async (t) => {
    const config = await writeConfig(t, {
      trust: 'root.json',
      store: 'store',
      region: 'eu',
      capacity: '20GiB',
      peer: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'],
      mdns: true,
      json: false,
    })
    const host = new FakeHost()
    let options: CacheOptions | undefined
    const line = ['cache', '--config', config, '--capacity', '1GiB', '--peer', '/ip4/127.0.0.1/tcp/3']
    assert.equal(await host.run(line, { cache: async (given) => void (options = given) }), 0, host.stderr.text)
    assert.equal(options?.region, 'eu')
    assert.equal(options?.mdns, true)
    assert.equal(options?.capacityBytes, 2 ** 30)
    assert.deepEqual(options?.peers, ['/ip4/127.0.0.1/tcp/3'])
  })

  const mistakes: [content: unknown, message: RegExp, hint: RegExp][] = [
    [{ pear: 'x' }, /"pear" in .* is not a flag of this command/, /did you mean "peer"/],
    [{ '--peer': 'x' }, /"--peer" in .* is not a flag/, /did you mean "peer"/],
    [{ config: 'x' }, /"config" in .* is not a flag/, /it has .*capacity/],
    [{ __proto__x: 'x' }, /is not a flag/, /it has/],
    [{ trust: 'r', store: 's', capacity: '20G' }, /--capacity must be a size/, /cairn cache --help/],
    [{ trust: ['a', 'b'] }, /"trust" in .* must be one value and not a list/, /cairn cache --help/],
    [{ mdns: 'yes' }, /"mdns" in .* must be true or false, not "yes"/, /cairn cache --help/],
    [{ trust: true }, /"trust" in .* must be a text or a number/, /cairn cache --help/],
    [{ trust: { path: 'x' } }, /"trust" in .* must be a text, a number, true, false or a list/, /cairn cache --help/],
    [['x'], /must be a JSON object of flags/, /cairn cache --help/],
  ]
  for (const [content, message, hint] of mistakes) {
    it(`is refused when it is ${JSON.stringify(content)}`, async (t) => {
      const host = new FakeHost()
      assert.equal(await host.run(['cache', '--config', await writeConfig(t, content)]), 2)
      assert.match(host.stderr.lines[0] ?? '', message)
      assert.match(host.stderr.lines[1] ?? '', hint)
    })
  }

  it('must be there and be JSON', async (t) => {
    const host = new FakeHost()
    assert.equal(await host.run(['cache', '--config', '/nowhere/cache.json']), 2)
    assert.match(host.stderr.text, /--config \/nowhere\/cache\.json cannot be read: there is no such file/)
    const path = await writeConfig(t, {})
    await writeFile(path, '{')
    assert.equal(await host.run(['cache', '--config', path]), 2)
    assert.match(host.stderr.text, /is not JSON/)
  })
})

describe('help and version', () => {
  it('go to stdout', async () => {
    for (const line of [['--help'], ['help'], ['join', '--help'], ['help', 'join'], ['--version']]) {
      const host = new FakeHost()
      assert.equal(await host.run(line), 0)
      assert.notEqual(host.stdout.text, '')
      assert.equal(host.stderr.text, '')
    }
  })

  it('show each command with an example', async () => {
    for (const name of [
      'demo',
      'init',
      'publish',
      'origin',
      'cache',
      'join',
      'verify',
      'rollback',
      'list',
      'show',
      'diff',
      'status',
      'replay',
      'ledger',
      'simulate',
    ]) {
      const host = new FakeHost()
      await host.run([name, '--help'])
      assert.match(host.stdout.text, new RegExp(`^Usage: cairn ${name} `))
      assert.match(host.stdout.text, new RegExp(`^Examples:\n {2}cairn ${name}`, 'm'))
    }
  })
})

describe('outcomes', () => {
  it('speak to people, or to programs with --json', async () => {
    const verify = async (_: unknown, io: CommandIo): Promise<void> => {
      io.note('reading')
      io.emit({ type: 'chunk' })
      io.say({ type: 'verified' }, 'state is what was signed')
    }
    const people = new FakeHost()
    assert.equal(await people.run(['verify', 'state'], { verify }), 0)
    assert.equal(people.stdout.text, 'state is what was signed\n')
    assert.equal(people.stderr.text, 'reading\n')
    const program = new FakeHost()
    assert.equal(await program.run(['verify', 'state', '--json'], { verify }), 0)
    assert.equal(program.stdout.text, '{"type":"chunk"}\n{"type":"verified"}\n')
    assert.equal(program.stderr.text, '')
  })

  it('turn a failure into a sentence, a hint and an exit code', async () => {
    const verify = async (): Promise<void> => {
      throw new StorageError({ code: 'NO_SPACE', path: '/state' })
    }
    const host = new FakeHost()
    assert.equal(await host.run(['verify', 'state'], { verify }), 5)
    assert.deepEqual(host.stderr.lines, [
      'cairn: no space left for /state',
      'hint: free some space and run the command again: it goes on where it stopped',
    ])
    assert.equal(host.stdout.text, '')

    const json = new FakeHost()
    assert.equal(await json.run(['verify', 'state', '--json'], { verify }), 5)
    assert.equal(json.stdout.lines.length, 1)
    const { hint, ...error } = JSON.parse(json.stdout.text) as Record<string, unknown>
    assert.deepEqual(error, { type: 'error', code: 'NO_SPACE', message: 'no space left for /state', exitCode: 5 })
    assert.match(String(hint), /free some space/)
    assert.match(json.stderr.text, /no space left/)
  })

  it('show a stack only to whoever asks for it', async () => {
    const verify = async (): Promise<void> => {
      throw new Error('outer', { cause: new Error('inner') })
    }
    const host = new FakeHost()
    assert.equal(await host.run(['verify', 'state'], { verify }), 1)
    assert.doesNotMatch(host.stderr.text, /\n +at /)
    host.env['CAIRN_DEBUG'] = '1'
    assert.equal(await host.run(['verify', 'state'], { verify }), 1)
    assert.match(host.stderr.text, /Error: outer\n +at [^]*\[cause\]: Error: inner/)
  })

  it('take the progress away before anything is said', async () => {
    const host = new FakeHost({ isTTY: true })
    const verify = async (_: unknown, io: CommandIo): Promise<void> => {
      io.progress.update({ stage: 'reading', bytes: 1, bytesTotal: 2 })
      io.log.warn('odd', { path: 'x' })
      throw new Error('no')
    }
    assert.equal(await host.run(['verify', 'state'], { verify }), 1)
    const [before, shown, logged, cleared] = host.stderr.text.split('\r\u001B[2K')
    assert.equal(before, '')
    assert.match(shown ?? '', /^reading {2}50\.0 %/)
    assert.match(logged ?? '', /^\{"level":"warn".*"event":"odd","command":"verify","path":"x"\}\nreading/)
    assert.match(cleared ?? '', /^cairn: no\n/)
    assert.equal(host.clock.nextTimerMs(), undefined)
  })

  it('hide the progress with --quiet', async () => {
    const host = new FakeHost()
    const verify = async (_: unknown, io: CommandIo): Promise<void> => {
      io.progress.update({ stage: 'reading', bytes: 1, bytesTotal: 2 })
      io.note('reading')
    }
    assert.equal(await host.run(['verify', 'state', '--quiet'], { verify }), 0)
    assert.equal(host.stderr.text, '')
  })

  it('fail when the result could not be written, unless nobody reads it', async () => {
    const outcome = async (code: string): Promise<[number, string]> => {
      const host = new FakeHost()
      const exitCode = await host.run(['verify', 'state'], {
        verify: async (_, io) => {
          host.stdout.fail(code)
          io.say({ type: 'verified' }, 'lost')
        },
      })
      return [exitCode, host.stderr.text]
    }
    assert.deepEqual(await outcome('EPIPE'), [0, ''])
    const [exitCode, text] = await outcome('ENOSPC')
    assert.equal(exitCode, 1)
    assert.match(text, /cannot write to standard output/)
  })

  it('explain what nobody caught, and end', async () => {
    const host = new FakeHost()
    await host.run(['verify', 'state'], {
      verify: async () => {
        host.crashes.emit('crash', new StorageError({ code: 'IO_FAILED', path: '/state', reason: 'EIO' }))
      },
    })
    assert.deepEqual(host.exits, [5])
    assert.match(host.stderr.text, /\/state: EIO/)
    assert.equal(host.crashes.listenerCount('crash'), 0)
  })
})

describe('being told to stop', () => {
  const untilStopped = (_: unknown, io: CommandIo): Promise<void> =>
    new Promise((_resolve, reject) => io.signal.addEventListener('abort', () => reject(io.signal.reason)))

  it('is how a daemon ends well', async () => {
    const host = new FakeHost()
    const ended = host.run(['origin', '--workspace', 'w'], { origin: untilStopped })
    await raise(host, 'SIGTERM')
    assert.equal(await ended, 0)
    assert.equal(host.stderr.text, '')
    assert.equal(host.signals.listenerCount('SIGTERM'), 0)
  })

  it('is not how a join ends, unless it stays', async () => {
    const host = new FakeHost()
    const ended = host.run(JOIN, { join: untilStopped })
    await raise(host, 'SIGINT')
    assert.equal(await ended, 130)
    assert.equal(host.stderr.text, 'cairn: stopped by SIGINT\n')
    const wrapped = new FakeHost()
    const aborted = wrapped.run(JOIN, {
      join: async (options, io) => {
        await untilStopped(options, io).catch(() => {
          throw new DOMException('This operation was aborted', 'AbortError')
        })
      },
    })
    await raise(wrapped, 'SIGTERM')
    assert.equal(await aborted, 143)
    const staying = new FakeHost()
    const stopped = staying.run([...JOIN, '--stay'], { join: untilStopped })
    await raise(staying, 'SIGINT')
    assert.equal(await stopped, 0)
  })
})

/** Sends the signal once the command listens for it; fails if it ended before. */
async function raise(host: FakeHost, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  while (host.signals.listenerCount(signal) === 0) {
    assert.equal(host.stderr.text, '', 'the command ended early')
    await new Promise((resolve) => setImmediate(resolve))
  }
  host.signals.emit(signal)
}

async function writeConfig(t: TestContext, content: unknown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cairn-config-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'config.json')
  await writeFile(path, JSON.stringify(content))
  return path
}
