import { files, json, msgpack, SessionEngine, type SessionEngineOptions } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { automaticThreads, type Expiry, expiryOf } from '#dist/src/engine/options.js'

const test = suite('engine: options')

const directory = 'never-opened'

/** Options, the name of the wrong one, how its value is shown, and what is expected instead. */
type Wrong = readonly [options: unknown, name: string, shown: string, expected: RegExp]

const SECRET_BYTES = new TextEncoder().encode('secret')

class OwnCodec {
  readonly key = 'secret'
}

const WRONG_ENGINE: readonly Wrong[] = [
  [{}, 'storage', 'undefined', /files\(\{ directory \}\), or directory/],
  [{ storage: 7 }, 'storage', '7', /a storage such as/],
  [{ storage: {} }, 'storage', '{}', /a storage such as/],
  [{ storage: null }, 'storage', 'null', /a storage such as/],
  [
    { storage: files({ directory }), directory },
    'directory',
    `'${directory}'`,
    /absent where storage is given/,
  ],
  [{ directory: '' }, 'directory', "''", /path of a directory/],
  [{ directory: 7 }, 'directory', '7', /path of a directory/],
  [{ directory: Buffer.from('secret') }, 'directory', 'bytes', /path of a directory/],
  [{ directory: ['secret', Buffer.from('secret'), 7] }, 'directory', '[ a text, bytes, 7 ]', /path of a/],
  [
    { directory, codec: { name: 'secret', key: Buffer.alloc(2) } },
    'codec',
    '{ name: a text, key: bytes }',
    /id/,
  ],
  [{ directory, codec: new OwnCodec() }, 'codec', 'an instance of OwnCodec;', /id/],
  [{ directory, codec: new Map([['key', 'secret']]) }, 'codec', 'an instance of Map;', /id/],
  [{ directory, codec: new Set(['secret']) }, 'codec', 'an instance of Set;', /id/],
  [{ directory, codec: new URL('redis://secret@host') }, 'codec', 'an instance of URL;', /id/],
  [{ directory, codec: Object.assign(Object.create(null), { key: 'secret' }) }, 'codec', 'an object;', /id/],
  [{ directory, codec: Object.assign(() => 7, { key: 'secret' }) }, 'codec', 'a function;', /id/],
  [{ directory: SECRET_BYTES.buffer }, 'directory', 'an instance of ArrayBuffer;', /path of a directory/],
  [
    { directory: [new Error('secret'), new Map([['key', 'secret']]), SECRET_BYTES.buffer, () => 'secret'] },
    'directory',
    '[ an instance of Error, an instance of Map, an instance of ArrayBuffer, a funct',
    /path of a directory/,
  ],
  [{ directory, keys: new Map([['key', 'secret']]) }, 'keys', 'an instance of Map;', /one of storage/],
  [{ directory, salt: Buffer.from('secret') }, 'salt', 'bytes', /one of storage, directory/],
  [{ directory: 'a\0b' }, 'directory', "'a\\x00b'", /path of a directory/],
  [{ directory, codec: 'json' }, 'codec', "'json'", /a codec such as/],
  [{ directory, codec: null }, 'codec', 'null', /a codec such as/],
  [{ directory, codec: { ...json(), id: -1 } }, 'codec', '{', /with id, encode and decode/],
  [{ directory, codec: { ...json(), id: 2 ** 32 } }, 'codec', '{', /with id, encode and decode/],
  [{ directory, codec: { ...json(), id: 1.5 } }, 'codec', '{', /with id, encode and decode/],
  [{ directory, codec: { ...json(), encode: undefined } }, 'codec', '{', /with id, encode and decode/],
  [{ directory, codec: { ...json(), decode: undefined } }, 'codec', '{', /with id, encode and decode/],
  [{ directory, maxAge: 0 }, 'maxAge', '0', /a number of seconds from 1 to/],
  [{ directory, maxAge: -1 }, 'maxAge', '-1', /a number of seconds/],
  [{ directory, maxAge: Number.NaN }, 'maxAge', 'NaN', /a number of seconds/],
  [{ directory, maxAge: Number.POSITIVE_INFINITY }, 'maxAge', 'Infinity', /a number of seconds/],
  [{ directory, maxAge: '60' }, 'maxAge', "'60'", /a number of seconds/],
  [{ directory, threads: 0 }, 'threads', '0', /'auto', from 1 to 64/],
  [{ directory, threads: 65 }, 'threads', '65', /from 1 to 64/],
  [{ directory, threads: 1.5 }, 'threads', '1.5', /a whole number/],
  [{ directory, threads: 'all' }, 'threads', "'all'", /'auto'/],
  [{ directory, maxPending: 7 }, 'maxPending', '7', /an object of options/],
  [{ directory, maxPending: { sessions: 7 } }, 'maxPending.sessions', '7', /one of operations, bytes/],
  [
    { directory, maxPending: { operations: 0 } },
    'maxPending.operations',
    '0',
    /a whole number of operations/,
  ],
  [{ directory, maxPending: { operations: 2.5 } }, 'maxPending.operations', '2.5', /a whole number/],
  [{ directory, maxPending: { bytes: '1' } }, 'maxPending.bytes', "'1'", /a whole number of bytes/],
  [{ directory, sweepInterval: 0 }, 'sweepInterval', '0', /seconds, or false/],
  [{ directory, sweepInterval: true }, 'sweepInterval', 'true', /seconds, or false/],
  [{ directory, sweepInterval: 3_000_000 }, 'sweepInterval', '3000000', /to 2147483/],
  [{ directory, maxage: 60 }, 'maxage', '60', /one of storage, directory, codec, maxAge/],
  [undefined, 'options', 'undefined', /an object of options/],
  [null, 'options', 'null', /an object of options/],
  ['secret', 'options', 'a text', /an object of options/],
]

const WRONG_FILES: readonly Wrong[] = [
  [undefined, 'files', 'undefined', /an object of options/],
  [{}, 'directory', 'undefined', /path of a directory/],
  [{ directory, layout: 'deep' }, 'layout', "'deep'", /'sharded' or 'flat'/],
  [{ directory, prefix: 'a/b' }, 'prefix', "'a/b'", /0 to 64 characters/],
  [{ directory, prefix: 'x'.repeat(65) }, 'prefix', "'xxx", /0 to 64 characters/],
  [{ directory, prefix: 7 }, 'prefix', '7', /0 to 64 characters/],
  [{ directory, durability: 'none' }, 'durability', "'none'", /'direct'/],
  [{ directory, fsync: 'yes' }, 'fsync', "'yes'", /true or false/],
  [{ directory, hashNames: 1 }, 'hashNames', '1', /true or false/],
  [{ directory, maxRecordBytes: 0 }, 'maxRecordBytes', '0', /a whole number of bytes from 1/],
  [{ directory, maxRecordBytes: 2 ** 28 + 1 }, 'maxRecordBytes', '268435457', /a whole number of bytes/],
  [{ directory, orphanGrace: -1 }, 'orphanGrace', '-1', /a number of seconds from 0/],
  [
    { directory, durability: 'journal', checkpointInterval: 0 },
    'checkpointInterval',
    '0',
    /seconds from 0.01/,
  ],
  [
    { directory, durability: 'journal', journalBytes: 1 },
    'journalBytes',
    '1',
    /a whole number of bytes from/,
  ],
  [
    { directory, durability: 'journal', journalMemory: '9' },
    'journalMemory',
    "'9'",
    /a whole number of bytes/,
  ],
  [{ directory, durability: 'journal', ownerTimeout: -1 }, 'ownerTimeout', '-1', /milliseconds from 0/],
  [{ directory, ownerTimeout: 5 }, 'ownerTimeout', '5', /absent without durability: 'journal'/],
  [{ directory, fsnyc: true }, 'files.fsnyc', 'true', /one of directory, layout/],
]

function checkRefusals(wrong: readonly Wrong[], make: (options: never) => unknown): void {
  for (const [options, name, shown, expected] of wrong) {
    let error: unknown
    try {
      make(options as never)
    } catch (thrown) {
      error = thrown
    }
    if (!(error instanceof TypeError))
      throw new Error(`${name} = ${shown} was not refused with a TypeError: ${error}`)
    assert.ok(error.message.startsWith(`option "${name}" is ${shown}`), error.message)
    assert.match(error.message, /; expected /)
    assert.not.match(error.message, /secret/)
    assert.match(error.message, expected)
  }
}

test('a wrong option of the engine is a TypeError that names it, its value and what was expected', () => {
  checkRefusals(WRONG_ENGINE, (options) => new SessionEngine(options))
})

test('a wrong option of files() is a TypeError that names it, its value and what was expected', () => {
  checkRefusals(WRONG_FILES, (options) => files(options))
})

test('a long value is shown shortened', () => {
  assert.throws(
    () => new SessionEngine({ directory: 7 as never, ['x'.repeat(10)]: 'y'.repeat(10_000) }),
    (error: Error) => error.message.length < 400,
  )
})

test('right options are accepted, undefined ones count as not given, and none is changed', () => {
  const options: SessionEngineOptions = Object.freeze({
    storage: files(
      Object.freeze({ directory, layout: 'flat', prefix: 'sessionid', fsync: true, orphanGrace: 0 }),
    ),
    codec: msgpack(),
    maxAge: 1,
    threads: 64,
    maxPending: Object.freeze({ operations: 1, bytes: 1 }),
    sweepInterval: false,
  })
  new SessionEngine(options)
  new SessionEngine({ directory, threads: 'auto', maxPending: {}, sweepInterval: 1 })
  const absent = { directory, storage: undefined, codec: undefined, maxAge: undefined, threads: undefined }
  new SessionEngine(absent as never)
})

test('an expiry is seconds from now or a moment, and the least wrong of it is refused', () => {
  const now = 1_700_000_000_000
  for (const none of [undefined, {}, { maxAge: undefined }, { expires: undefined }])
    assert.is(expiryOf(none as Expiry, 60, now), now + 60_000)
  assert.is(expiryOf({ maxAge: -1 }, 60, now), now - 1_000)
  assert.is(expiryOf({ expires: new Date(5) }, 60, now), 5)
  const century = now + 3_153_600_000_000
  assert.is(expiryOf({ maxAge: Number.POSITIVE_INFINITY }, 60, now), century)
  assert.is(expiryOf({ expires: new Date(8.64e15) }, 60, now), century)
  for (const wrong of [
    7,
    null,
    { maxAge: '60' },
    { maxAge: Number.NaN },
    { expires: 5 },
    { expires: new Date('x') },
  ])
    assert.throws(
      () => expiryOf(wrong as Expiry, 60, now),
      /^option "(expiry|maxAge|expires)" is .*; expected /,
    )
})

test('whatever expiry is accepted, is a moment that a file can be given', () => {
  const now = 1_700_000_000_000
  const century = now + 3_153_600_000_000
  const isMoment = (expiry: Expiry) => {
    const at = expiryOf(expiry, 60, now)
    return at >= 0 && at <= century
  }
  fc.assert(fc.property(fc.double({ noNaN: true }), (maxAge) => isMoment({ maxAge })))
  fc.assert(fc.property(fc.maxSafeInteger(), (maxAge) => isMoment({ maxAge })))
  fc.assert(fc.property(fc.date({ noInvalidDate: true }), (expires) => isMoment({ expires })))
  for (const maxAge of [Number.NEGATIVE_INFINITY, Number.MIN_SAFE_INTEGER, -Number.MAX_VALUE])
    assert.is(expiryOf({ maxAge }, 60, now), 0)
  assert.is(expiryOf({ expires: new Date(-8.64e15) }, 60, now), 0)
})

test("threads: 'auto' is one for every processor, from two to four", () => {
  const threads = (processors: number) => automaticThreads({}, processors)
  assert.equal([1, 2, 3, 4, 8, 64].map(threads), [2, 2, 3, 4, 4, 4])
  assert.is(new SessionEngine({ directory }).stats().workers.threads, automaticThreads({}))
})

test("threads: 'auto' is one for every two processors where a server does the storing, up to four", () => {
  const storage = redis({ url: 'redis://127.0.0.1:1' })
  const threads = (processors: number) => automaticThreads(storage, processors)
  assert.equal([1, 2, 3, 4, 8, 64].map(threads), [1, 1, 1, 2, 4, 4])
  assert.is(new SessionEngine({ storage }).stats().workers.threads, automaticThreads(storage))
})

test.run()
