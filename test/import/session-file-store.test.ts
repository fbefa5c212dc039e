import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type SessionFileStoreOptions,
  sessionFileStoreSource,
} from '#dist/src/import/session-file-store/index.js'
import type { Reading } from '#dist/src/import/source.js'
import { runImport } from '../cli/import-command.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { type FileStoreOptions, fileStore, putSessions, traceOf } from './file-store.js'

const test = suite('import: session-file-store')
const withModes = skipUnless(process.geteuid !== undefined, 'nobody is kept from reading by a file mode')
const withFifos = skipUnless(process.platform !== 'win32', 'needs mkfifo')

const SECRET = 'an Ångström of s3cret'
const VALUES = { name: 'Zoë', cart: [1, 2.5, null, { deep: '☂️' }], quote: '"\\\n' }

/** What is read, by key, and how many entries are no sessions. */
async function readAll(options: SessionFileStoreOptions) {
  const readings = new Map<string, Reading>()
  let foreign = 0
  for await (const entry of sessionFileStoreSource(options).entries()) {
    if (entry.key === undefined) foreign++
    else readings.set(entry.key, await entry.read())
  }
  return { readings, foreign }
}

/** Root may read everything, so root becomes nobody meanwhile. */
async function withoutPrivileges<Result>(task: () => Promise<Result>): Promise<Result> {
  const user = process.geteuid?.()
  if (user !== 0) return task()
  process.seteuid?.(65_534)
  try {
    return await task()
  } finally {
    process.seteuid?.(user)
  }
}

async function readOne(options: SessionFileStoreOptions): Promise<Reading> {
  const { readings } = await readAll(options)
  const [reading, ...others] = readings.values()
  if (reading === undefined || others.length > 0) throw new Error(`${readings.size} sessions`)
  return reading
}

function reasonOf(reading: Reading | undefined): string | undefined {
  return reading?.state === 'unreadable' ? reading.reason : reading?.state
}

/** What the real one has written is read, with options of the same names. */
async function readsBack(
  options: FileStoreOptions,
  encoding: Pick<FileStoreOptions, 'encoder'> = {},
): Promise<void> {
  const path = temporaryDirectory('memory')
  await putSessions(fileStore(path, { ...options, ...encoding }), { some: VALUES })
  const trace = traceOf(path)
  const found = await readOne({ path, ...(options as Partial<SessionFileStoreOptions>) })
  assert.is(found.state, 'session', reasonOf(found))
  if (found.state !== 'session') return
  const { cookie, ...values } = found.session
  assert.equal(values, VALUES, 'and no time of the last access')
  assert.is((cookie as { originalMaxAge: number }).originalMaxAge, 600_000)
  assert.is(traceOf(path), trace)
}

test('a plain file is read', () => readsBack({}))

test('a file extension of its own is read, and none', async () => {
  await readsBack({ fileExtension: '.sess' })
  await readsBack({ fileExtension: '' })
})

test('what an encoder has made, a decoder reads', async () => {
  const encoder = (session: object): string => Buffer.from(JSON.stringify(session)).toString('base64')
  const decoder = (encoded: string | Buffer): unknown => {
    assert.ok(Buffer.isBuffer(encoded))
    return JSON.parse(Buffer.from(encoded.toString(), 'base64').toString())
  }
  await readsBack({ decoder, encoding: null }, { encoder })
})

for (const crypto of [
  undefined,
  { algorithm: 'aes-256-gcm' },
  { algorithm: 'aes-192-gcm', hashing: 'sha384', use_scrypt: true, encodeas: 'base64' },
  { algorithm: 'aes-256-cbc', hashing: 'sha256', encodeas: 'hex' },
  { algorithm: 'aes-128-ctr' },
  { algorithm: 'aes-256-ocb' },
  { algorithm: 'camellia-256-cfb' },
]) {
  const title = crypto === undefined ? 'its defaults' : JSON.stringify(crypto)
  test(`what is encrypted with ${title} is read`, () =>
    readsBack({ secret: SECRET, ...(crypto === undefined ? {} : { crypto }) }))
}

test('sessions expire when they would have', async () => {
  const { isExpired } = createRequire(import.meta.url)('session-file-store/lib/session-file-helpers.js') as {
    isExpired(session: object, options: { ttl: number }): boolean
  }
  const path = temporaryDirectory('memory')
  const file = join(path, 'some.json')
  // Never within seconds of this moment, so that it does not count which of the two looks first.
  const minutes = (seconds: number) =>
    fc.integer({ min: -50, max: 50 }).map((count) => count * 60_000 + seconds * 1000)
  const property = fc.asyncProperty(
    minutes(30),
    fc.oneof(minutes(15), fc.constantFrom(null, undefined, 0)),
    fc.integer({ min: 0, max: 50 }).map((count) => count * 60),
    async (accessed, originalMaxAge, ttl) => {
      const session = { cookie: { originalMaxAge }, __lastAccess: Date.now() + accessed }
      writeFileSync(file, JSON.stringify(session))
      const found = await readOne({ path, ttl })
      assert.is(found.state, isExpired(session, { ttl }) ? 'expired' : 'session')
      if (found.state !== 'session') return
      assert.is(found.expiresAt, session.__lastAccess + (originalMaxAge || ttl * 1000))
    },
  )
  await fc.assert(property, { numRuns: 200 })
})

test('a session without a time of its last access lives from now on', async () => {
  const path = temporaryDirectory('memory')
  writeFileSync(join(path, 'some.json'), '{"cookie":{"originalMaxAge":null}}')
  const before = Date.now()
  const found = await readOne({ path, ttl: 60 })
  assert.ok(found.state === 'session' && found.expiresAt >= before + 60_000)
  assert.ok(found.state === 'session' && found.expiresAt <= Date.now() + 60_000)
})

test('a session that would live for ever is one that expires late', async () => {
  const path = temporaryDirectory('memory')
  const text = JSON.stringify({ cookie: { originalMaxAge: 1e300 }, __lastAccess: 0 })
  writeFileSync(join(path, 'some.json'), text)
  const found = await readOne({ path })
  assert.not(Number.isNaN(found.state === 'session' && new Date(found.expiresAt).getTime()))
})

test('what is no session says why', async () => {
  const path = temporaryDirectory('memory')
  const contents = {
    empty: '',
    torn: '{"cookie":{"originalMaxAge":nu',
    text: '"text"',
    nothing: 'null',
    foreign: '{"name":"no session"}',
    cookie: '{"cookie":"none"}',
  }
  for (const [key, text] of Object.entries(contents)) writeFileSync(join(path, `${key}.json`), text)
  writeFileSync(join(path, 'large.json'), Buffer.alloc(17 * 2 ** 20))
  const { readings } = await readAll({ path })
  const reasons = Object.fromEntries([...readings].map(([key, reading]) => [key, reasonOf(reading)]))
  assert.equal(reasons, {
    empty: 'cannot be decoded',
    torn: 'cannot be decoded',
    text: 'is no session with a cookie',
    nothing: 'is no session with a cookie',
    foreign: 'is no session with a cookie',
    cookie: 'is no session with a cookie',
    large: 'is too large',
  })
  for (const reading of readings.values()) assert.ok(reading.inode > 0)
})

test('a larger file is read where larger records are allowed', async () => {
  const path = temporaryDirectory('memory')
  const text = 'x'.repeat(17 * 2 ** 20)
  writeFileSync(join(path, 'large.json'), JSON.stringify({ cookie: {}, text }))
  assert.is(reasonOf(await readOne({ path })), 'is too large')
  assert.is(reasonOf(await readOne({ path, maxRecordBytes: 18 * 2 ** 20 })), 'session')
  assert.throws(() => sessionFileStoreSource({ path, maxRecordBytes: 0 }), /option "maxRecordBytes" is 0/)

  const to = join(temporaryDirectory('memory'), 'sessions')
  const bytes = String(18 * 2 ** 20)
  const { status, stdout } = runImport(['session-file-store', path, to, '--max-record-bytes', bytes])
  assert.equal(
    { status, stdout },
    { status: 0, stdout: '1 imported, 0 there already, 0 expired, 0 unreadable, 0 foreign\n' },
  )
})

withFifos(test, 'whatever is no file is nothing of ours, nor is a temporary file', async () => {
  const path = temporaryDirectory('memory')
  await putSessions(fileStore(path), { some: {} })
  mkdirSync(join(path, 'directory.json'))
  symlinkSync(join(path, 'some.json'), join(path, 'link.json'))
  execFileSync('mkfifo', [join(path, 'fifo.json')])
  writeFileSync(join(path, 'some.json.3190237'), '{"cookie":{}}')
  writeFileSync(join(path, '.json'), '{"cookie":{}}')
  const { readings, foreign } = await readAll({ path })
  assert.equal([...readings.keys()], ['some'])
  assert.is(foreign, 5)
})

withModes(test, 'a file that may not be read is told by its inode', async () => {
  const path = temporaryDirectory('memory')
  await putSessions(fileStore(path), { some: {} })
  chmodSync(join(path, 'some.json'), 0)
  chmodSync(path, 0o755)
  const found = await withoutPrivileges(() => readOne({ path }))
  assert.is(reasonOf(found), 'cannot be read (EACCES)')
  assert.ok(found.inode > 0)
})

test('a session that was deleted since it was listed is gone', async () => {
  const path = temporaryDirectory('memory')
  const store = fileStore(path)
  await putSessions(store, { some: {} })
  for await (const entry of sessionFileStoreSource({ path }).entries()) {
    await new Promise((resolve) => store.destroy('some', resolve))
    assert.is(entry.key !== undefined && (await entry.read()).state, 'gone')
  }
})

test('what was changed after it was encrypted is not believed', async () => {
  const path = temporaryDirectory('memory')
  await putSessions(fileStore(path, { secret: SECRET }), { some: VALUES })
  const file = join(path, 'some.json')
  const sealed = JSON.parse(readFileSync(file, 'utf8')) as {
    ct: string
    at: { data: number[] }
    salt: { data: number[] }
  }
  const changes = {
    ct: `${String.fromCharCode(sealed.ct.charCodeAt(0) ^ 1)}${sealed.ct.slice(1)}`,
    hmac: 'short',
    salt: { type: 'Buffer', data: sealed.salt.data.slice(1) },
    at: { type: 'Buffer', data: sealed.at.data.map((byte) => byte ^ 1) },
  }
  const reasons: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(changes)) {
    writeFileSync(file, JSON.stringify({ ...sealed, [name]: value }))
    reasons[name] = reasonOf(await readOne({ path, secret: SECRET }))
  }
  const other = 'was encrypted with another secret, or changed since'
  assert.equal(reasons, {
    ct: other,
    hmac: other,
    salt: other,
    at: 'was changed after it was encrypted',
  })
})

test('a secret that is missing, needless or wrong is told as such', async () => {
  const [plain, sealed] = [temporaryDirectory('memory'), temporaryDirectory('memory')]
  await putSessions(fileStore(plain), { some: {} })
  await putSessions(fileStore(sealed, { secret: SECRET }), { some: {} })
  const problems: unknown[] = []
  for (const options of [
    { path: sealed },
    { path: plain, secret: SECRET },
    { path: sealed, secret: 'other' },
    { path: sealed, secret: SECRET, crypto: { use_scrypt: false } },
  ]) {
    const found = await readOne(options)
    problems.push(found.state === 'unreadable' && found.secret)
  }
  assert.equal(problems, ['missing', 'needless', 'wrong', 'wrong'])
})

test('wrong options are refused, and a secret is not shown', () => {
  const path = temporaryDirectory('memory')
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ path: '' }, /option "path" is ''; expected the path of a directory/],
    [{ path, ttl: -1 }, /option "ttl" is -1/],
    [{ path, encoding: 'morse' }, /option "encoding" is 'morse'/],
    [{ path, decoder: 'JSON' }, /option "decoder" is 'JSON'/],
    [{ path, secret: ['hidden'] }, /option "secret" is an array of 1/],
    [{ path, crypto: {} }, /option "crypto" is \{\}; expected to be absent without a secret/],
    [
      { path, secret: 'hidden', crypto: { algorithm: 'rot13' } },
      /option "crypto\.algorithm" is 'rot13'; expected a cipher/,
    ],
    [{ path, secret: 'hidden', crypto: { hashing: 'crc' } }, /option "crypto\.hashing" is 'crc'/],
    [{ path, secret: 'hidden', crypto: { use_asn1: true } }, /option "crypto\.use_asn1" is true/],
    [{ path, fileExtention: '.x' }, /option "fileExtention"/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(
      () => sessionFileStoreSource(options as SessionFileStoreOptions),
      (error: Error) =>
        error instanceof TypeError && message.test(error.message) && !error.message.includes('hidden'),
      String(message),
    )
  }
})

test.run()
