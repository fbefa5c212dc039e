import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, files, json, msgpack, SessionEngine, type SessionEngineOptions } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRedisServer, RedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { coatcheck, jsonLines, SCRIPT } from './run-coatcheck.js'

const test = suite('coatcheck copy')
const withRedis = skipUnless(hasRedisServer(), 'needs redis-server')

const PASSWORD = 'a-password-of-the-server'
const server = new RedisServer({
  directory: temporaryDirectory('memory'),
  words: ['--requirepass', PASSWORD],
})
const port = hasRedisServer() ? await server.start() : 0
const passwordFile = join(temporaryDirectory('memory'), 'password')
writeFileSync(passwordFile, `${PASSWORD}\n`)
test.after(() => server.stop())

let namespaces = 0

/** A place of its own on the server, as the command line is told of it, and as an engine is. */
function onServer() {
  const prefix = `copy-${namespaces++}:`
  const storage = redis({ url: `redis://:${PASSWORD}@127.0.0.1:${port}`, prefix })
  return { prefix, address: `redis:redis://127.0.0.1:${port}`, storage }
}

/** The same in a directory. */
function inFiles(options: { hashNames?: boolean } = {}) {
  const directory = join(temporaryDirectory('memory'), 'sessions')
  return { directory, address: `files:${directory}`, storage: files({ directory, ...options }) }
}

async function withEngine<Result>(
  options: SessionEngineOptions,
  work: (engine: SessionEngine) => Promise<Result>,
): Promise<Result> {
  const engine = new SessionEngine({ ...options, sweepInterval: false })
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

const EXPIRES = Date.now() + 3_600_000

/** Each with an expiry of its own, to the millisecond, and with values that JSON does not know. */
async function store(options: SessionEngineOptions, count: number): Promise<void> {
  await withEngine(options, (engine) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        engine.save(`k-${index}`, { index, at: new Date(EXPIRES), seen: new Set([index]) }, expiryOf(index)),
      ),
    ),
  )
}

function expiryOf(index: number): { expires: Date } {
  return { expires: new Date(EXPIRES + index) }
}

async function holds(options: SessionEngineOptions, count: number): Promise<void> {
  await withEngine(options, async (engine) => {
    assert.is(await engine.count(), count)
    for (let index = 0; index < count; index++) {
      const found = await engine.loadWithExpiry(`k-${index}`)
      assert.equal(found?.session, { index, at: new Date(EXPIRES), seen: new Set([index]) })
      assert.is(found?.expires.getTime(), EXPIRES + index)
    }
  })
}

const CHECKSUM = /^verified: (\d+) sessions, checksum ([0-9a-f]{32}), at both ends$/

function verified(stdout: string): { count: number; checksum: string } {
  const [, count, checksum = ''] = CHECKSUM.exec(stdout.trimEnd().split('\n').at(-1) ?? '') ?? []
  assert.ok(count !== undefined, stdout)
  return { count: Number(count), checksum }
}

withRedis(
  test,
  'files to Redis and back: everything is the same, and nothing is changed at the source',
  async () => {
    const before = inFiles()
    const between = onServer()
    const after = inFiles()
    await store({ storage: before.storage }, 700)
    const there = await coatcheck(
      'copy',
      ...['--from', before.address, '--to', between.address, '--to-prefix', between.prefix],
      ...['--password-file', passwordFile],
    )
    assert.is(there.status, 0, there.stderr)
    assert.match(there.stdout, /^700 copied, 0 there already\n/)
    await holds({ storage: before.storage }, 700)
    await holds({ storage: between.storage }, 700)
    const back = await coatcheck(
      'copy',
      ...['--from', between.address, '--from-prefix', between.prefix, '--to', after.address],
      ...['--password-file', passwordFile],
    )
    assert.is(back.status, 0, back.stderr)
    await holds({ storage: after.storage }, 700)
    await holds({ storage: between.storage }, 700)
    assert.equal(verified(back.stdout), verified(there.stdout))
    assert.is(verified(there.stdout).count, 700)
  },
)

test('a second run does what the first has left, and leaves what differs', async () => {
  const [source, target] = [inFiles(), inFiles()]
  await store({ storage: source.storage }, 20)
  await withEngine({ storage: target.storage }, async (engine) => {
    await engine.save('k-3', { index: 'of the target' })
    await engine.save('only there', {})
  })
  const words = ['copy', '--from', source.address, '--to', target.address]
  const first = await coatcheck(...words)
  assert.is(first.status, 1)
  assert.match(
    first.stdout,
    /^19 copied, 0 there already, 1 different and left as they are\nnot the same: 20 sessions, /,
  )
  assert.match(first.stderr, /^--mirror writes over/)
  const again = await coatcheck(...words, '--json')
  assert.is(again.status, 1)
  const [report] = jsonLines(again.stdout) as [Record<string, unknown>]
  assert.equal([report.copied, report.existing, report.different, report.verified], [0, 19, 1, false])
  await withEngine({ storage: target.storage }, async (engine) => {
    assert.equal(await engine.load('k-3'), { index: 'of the target' })
    // So it was touched since, or a session of another expiry.
    await engine.touch('k-4', { maxAge: 60 })
  })
  const mirrored = await coatcheck(...words, '--mirror')
  assert.is(mirrored.status, 0, mirrored.stderr)
  assert.match(mirrored.stdout, /^0 copied, 18 there already, 2 written over, 1 removed\nverified: 20 /)
  await holds({ storage: target.storage }, 20)
})

test('what was logged out at the source is gone from a mirror', async () => {
  const [source, target] = [inFiles(), inFiles()]
  const words = ['copy', '--from', source.address, '--to', target.address, '--mirror']
  await store({ storage: source.storage }, 5)
  await coatcheck(...words)
  await withEngine({ storage: source.storage }, (engine) => engine.delete('k-4'))
  const { status, stdout } = await coatcheck(...words)
  assert.is(status, 0)
  assert.match(stdout, /^0 copied, 4 there already, 1 removed\nverified: 4 /)
  await holds({ storage: target.storage }, 4)
})

test('a mirror of nothing deletes nothing', async () => {
  const [empty, hashed, target] = [inFiles(), inFiles({ hashNames: true }), inFiles()]
  await withEngine({ storage: empty.storage }, (engine) => engine.ready())
  await store({ storage: hashed.storage }, 5)
  await store({ storage: target.storage }, 5)
  for (const { address } of [empty, hashed]) {
    const { status, stderr } = await coatcheck('copy', '--from', address, '--to', target.address, '--mirror')
    assert.is(status, 1)
    assert.match(stderr, /would delete everything/)
  }
  const misread = await coatcheck(
    ...['copy', '--from', hashed.address, '--from-prefix', 'other', '--to', target.address, '--mirror'],
  )
  assert.is(misread.status, 1)
  await holds({ storage: target.storage }, 5)
  // Of a mirror that has nothing to delete there is nothing to be afraid of.
  assert.is(
    (await coatcheck('copy', '--from', empty.address, '--to', inFiles().address, '--mirror')).status,
    0,
  )
})

test('sessions of a codec that is not known stay where they are, and are copied by its id', async () => {
  const [source, target] = [inFiles(), inFiles()]
  const codec: Codec = { ...json(), name: 'own', id: 4_711 }
  await withEngine({ storage: source.storage, codec }, (engine) => engine.save('own', { a: 1 }))
  const words = ['copy', '--from', source.address, '--to', target.address]
  const without = await coatcheck(...words)
  assert.is(without.status, 1)
  assert.match(without.stderr, /codec, 4711, is not known/)
  const { status, stderr } = await coatcheck(...words, '--codec', '4711')
  assert.is(status, 0, stderr)
  for (const { storage } of [source, target])
    await withEngine({ storage, codec }, async (engine) => assert.equal(await engine.load('own'), { a: 1 }))
})

test('sessions of another codec are copied by another run, byte by byte', async () => {
  const [source, target] = [inFiles(), inFiles()]
  await withEngine({ storage: source.storage, codec: msgpack() }, (engine) => engine.save('m', { a: 1 }))
  await withEngine({ storage: source.storage, codec: json() }, (engine) => engine.save('j', { b: 2 }))
  const words = ['copy', '--from', source.address, '--to', target.address]
  const first = await coatcheck(...words)
  assert.is(first.status, 1)
  assert.match(first.stdout, /^1 copied, 0 there already, 1 of another codec\n/)
  const second = await coatcheck(...words, '--codec', 'json')
  assert.match(second.stdout, /^1 copied, 0 there already, 1 of another codec\n/)
  await withEngine({ storage: target.storage }, async (engine) => {
    assert.equal([await engine.load('m'), await engine.load('j')], [{ a: 1 }, { b: 2 }])
  })
})

test('what is sealed stays sealed, and a plain store is sealed on its way', async () => {
  const [source, target] = [inFiles(), inFiles()]
  const key = 'a key that is as long as it has to be'
  const keys = join(temporaryDirectory('memory'), 'keys')
  writeFileSync(keys, `${key}\n`)
  await store({ storage: source.storage }, 10)
  const words = ['copy', '--from', source.address, '--to', target.address]
  const { status, stderr } = await coatcheck(...words, '--seal-keys', keys, '--accept-unsealed')
  assert.is(status, 0, stderr)
  await holds({ storage: target.storage, seal: { keys: [key] } }, 10)
  const without = await coatcheck('copy', '--from', target.address, '--to', inFiles().address)
  assert.is(without.status, 1)
  assert.match(without.stdout, /^0 copied, 0 there already, 10 gone or damaged\n/)
  assert.match(without.stderr, /note: \d+ files are sealed: seal.keys are needed to open it; use --seal-keys/)
})

test('names may be hashed where sessions go to, and not where they come from', async () => {
  const [source, target] = [inFiles(), inFiles({ hashNames: true })]
  await store({ storage: source.storage }, 10)
  const { status, stderr } = await coatcheck(
    'copy',
    '--from',
    source.address,
    '--to',
    target.address,
    '--hash-names',
  )
  assert.is(status, 0, stderr)
  await holds({ storage: target.storage }, 10)
  const back = await coatcheck('copy', '--from', target.address, '--to', inFiles().address)
  assert.is(back.status, 1)
  assert.match(back.stderr, /hash/)
})

withRedis(test, 'one that is broken off goes on', async () => {
  const [source, target] = [inFiles(), onServer()]
  await store({ storage: source.storage }, 5_000)
  const words = [
    'copy',
    ...['--from', source.address, '--to', target.address, '--to-prefix', target.prefix],
    ...['--password-file', passwordFile],
  ]
  await withEngine({ storage: target.storage }, async (engine) => {
    const child = spawn(process.execPath, [SCRIPT, ...words], { stdio: 'ignore' })
    const ended = once(child, 'close')
    // Some are there, and not yet all.
    while ((await engine.count()) === 0 && child.exitCode === null);
    child.kill('SIGKILL')
    await ended
  })
  const { status, stdout, stderr } = await coatcheck(...words)
  assert.is(status, 0, stderr)
  const [, copied, existing] = /^(\d+) copied, (\d+) there already\n/.exec(stdout) ?? []
  assert.is(Number(copied) + Number(existing), 5_000, stdout)
  assert.ok(Number(existing) > 0)
  await holds({ storage: target.storage }, 5_000)
})

test('wrong addresses are refused before anything is opened, and shown nowhere', async () => {
  const { address, directory } = inFiles()
  await store({ storage: files({ directory }) }, 1)
  const before = readdirSync(directory)
  for (const wrong of [
    'secret-word',
    'files:',
    'redis:secret-word',
    'cluster:',
    'redis:http://u:secret-word@127.0.0.1',
    'redis://u:secret-word@',
  ]) {
    const { status, stderr } = await coatcheck('copy', '--from', address, '--to', wrong)
    assert.is(status, 2, wrong)
    assert.not.match(stderr, /secret-word/)
  }
  const same = await coatcheck('copy', '--from', address, '--to', `files:${directory}/.`)
  assert.is(same.status, 2)
  assert.match(same.stderr, /choose another/)
  const missing = await coatcheck('copy', '--from', `files:${directory}-not`, '--to', address)
  assert.is(missing.status, 2)
  assert.match(missing.stderr, /there is no directory/)
  assert.is((await coatcheck('copy', '--from', address)).status, 2)
  assert.is((await coatcheck('copy', '--from', address, '--to', address, '--codec', 'bson')).status, 2)
  assert.equal(readdirSync(directory), before)
})

withRedis(test, 'a server that cannot be had is told of, and its password is not', async () => {
  const source = inFiles()
  await store({ storage: source.storage }, 1)
  const wrong = `redis://:wrong-${PASSWORD}@127.0.0.1:${port}`
  const { status, stderr } = await coatcheck('copy', '--from', source.address, '--to', wrong)
  assert.is(status, 1)
  assert.match(stderr, /password/)
  assert.not.match(stderr, new RegExp(PASSWORD))
})

test('a directory that is copied into is for its user alone', async () => {
  const [source, target] = [inFiles(), inFiles()]
  await store({ storage: source.storage }, 1)
  await coatcheck('copy', '--from', source.address, '--to', target.address)
  assert.is(statSync(target.directory).mode & 0o077, 0)
  assert.ok(readFileSync(passwordFile, 'utf8').length > 0)
})

test.run()
