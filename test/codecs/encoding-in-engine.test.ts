import { type Codec, EncodeError, EngineClosedError, files, json, msgpack, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: sessions that cannot be encoded, and codecs that change')

function cyclic(): Record<string, unknown> {
  const session: Record<string, unknown> = { version: 2 }
  session.self = session
  return session
}

test('a session that cannot be encoded rejects, and the stored version is untouched', async () => {
  const codecs: readonly (readonly [Codec, unknown[]])[] = [
    [msgpack(), [{ f: () => 1 }, { s: Symbol('s') }, cyclic(), null, undefined, 7, 'text', () => 1]],
    [json(), [{ big: 5n }, cyclic(), null, undefined, 7, 'text']],
  ]
  for (const [codec, wrong] of codecs) {
    const engine = new SessionEngine({ directory: temporaryDirectory(), codec, threads: 1 })
    await engine.save('a', { version: 1 })
    for (const session of wrong) {
      for (const kind of ['create', 'update', 'save'] as const) {
        const error = await rejection(
          engine[kind](kind === 'create' ? 'new' : 'a', session as Record<string, unknown>),
          EncodeError,
        )
        assert.is(error.code, 'COATCHECK_ENCODE')
      }
    }
    assert.equal(await engine.load('a'), { version: 1 })
    assert.is(await engine.exists('new'), false)
    assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
    await engine.close()
  }
})

test('a record larger than maxRecordBytes is refused, and nothing is written', async () => {
  for (const codec of [msgpack(), json()]) {
    const storage = files({ directory: temporaryDirectory(), maxRecordBytes: 1_000 })
    const engine = new SessionEngine({ storage, codec, threads: 1 })
    const fits = { text: 'x'.repeat(900) }
    await engine.save('a', fits)
    const error = await rejection(engine.update('a', { text: 'secret'.repeat(200) }), EncodeError)
    assert.match(error.message, /maxRecordBytes allows 1000/)
    await rejection(engine.create('b', { text: 'x'.repeat(1_001) }), EncodeError)
    assert.equal(await engine.load('a'), fits)
    assert.is(await engine.count(), 1)
    await engine.close()
  }
})

test('a codec that decodes in place changes no version', async () => {
  const plain = json()
  const masked = (bytes: Uint8Array): Uint8Array => {
    for (let index = 0; index < bytes.length; index++) bytes[index] = (bytes[index] ?? 0) ^ 0x55
    return bytes
  }
  const codec: Codec = {
    name: 'masked',
    id: 1_000,
    encode: (session) => masked(Uint8Array.from(plain.encode(session))),
    decode: (bytes) => plain.decode(masked(bytes)),
  }
  const engine = new SessionEngine({ directory: temporaryDirectory('memory'), codec, threads: 1 })
  await engine.save('a', { version: 1 })
  const found = await engine.loadVersion('a')
  assert.equal(found?.session, { version: 1 })
  await engine.replace('a', { version: 2 }, found?.version ?? '')
  assert.equal(await engine.load('a'), { version: 2 })
  await engine.close()
})

test('Buffers of loaded sessions belong to who loaded them, also when the save is still pending', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1 })
  await engine.ready()
  const bytes = Buffer.from('secret')
  const saving = engine.save('a', { bytes })
  const loads = [engine.load('a'), engine.load('a')]
  await saving
  loads.push(engine.load('a'), engine.load('a'))
  const sessions = (await Promise.all(loads)) as { bytes: Buffer }[]
  sessions[0]?.bytes.fill('x')
  sessions[2]?.bytes.fill('x')
  // Buffers that carried it are filled with something else.
  for (let round = 0; round < 5; round++) await engine.save('a', { bytes: Buffer.from('public') })
  for (const index of [1, 3]) assert.is(sessions[index]?.bytes.toString(), 'secret')
  assert.is(sessions[0]?.bytes.toString(), 'xxxxxx')
  await engine.close()
})

test('a store whose codec was changed reads what the one before it wrote', async () => {
  const directory = temporaryDirectory()
  const codecs = [msgpack(), json(), msgpack()]
  for (const [index, codec] of codecs.entries()) {
    const engine = new SessionEngine({ directory, codec, threads: 1 })
    for (let earlier = 0; earlier < index; earlier++) {
      assert.equal(await engine.load(`session-${earlier}`), { version: earlier })
    }
    await engine.save(`session-${index}`, { version: index })
    await engine.close()
  }
})

test('a codec of your own encodes and decodes; its failures are typed', async () => {
  const directory = temporaryDirectory()
  const text = json()
  const reversed: Codec = {
    name: 'reversed',
    id: 1_000,
    encode: (session) => {
      if ('fail' in session) throw new Error('the codec fails')
      return Uint8Array.from(text.encode(session)).reverse()
    },
    decode: (bytes) => text.decode(Uint8Array.from(bytes).reverse()),
  }
  const engine = new SessionEngine({ directory, codec: reversed, threads: 1 })
  await engine.save('a', { version: 1 })
  assert.equal(await engine.load('a'), { version: 1 })
  const error = await rejection(engine.save('a', { fail: true }), EncodeError)
  assert.match(error.message, /refused by the codec reversed/)
  assert.match((error.cause as Error).message, /the codec fails/)
  await engine.close()

  const other = new SessionEngine({ directory, threads: 1 })
  const corrupt: unknown[] = []
  other.on('corrupt', (notice) => corrupt.push(notice))
  assert.is(await other.load('a'), undefined, 'written by a codec that is not known here')
  assert.is(await other.exists('a'), true, 'it is sound, and stays')
  await other.flush()
  await other.close()
  assert.equal(corrupt, [{ reason: 'its codec, 1000, is not known', keptAs: undefined }])
  const again = new SessionEngine({ directory, codec: reversed, threads: 1 })
  assert.equal(await again.load('a'), { version: 1 })
  await again.close()
})

test('bytes that the codec refuses, and bytes that are no object, read as no session and are set aside', async () => {
  const directory = temporaryDirectory()
  const raw: Codec = {
    name: 'raw',
    id: 2,
    encode: (session) => Reflect.get(session, 'bytes') as Uint8Array,
    decode: () => ({}),
  }
  const writer = new SessionEngine({ directory, codec: raw, threads: 1 })
  await writer.save('broken', { bytes: Buffer.from('{"a":') })
  await writer.save('number', { bytes: Buffer.from('7') })
  await writer.save('empty', { bytes: Buffer.alloc(0) })
  await writer.close()
  const engine = new SessionEngine({ directory, codec: json(), threads: 1 })
  const corrupt: unknown[] = []
  engine.on('corrupt', (notice) => corrupt.push(notice))
  for (const key of ['broken', 'number', 'empty']) {
    const found = await Promise.all([engine.load(key), engine.load(key)])
    assert.equal(found, [undefined, undefined], key)
  }
  await engine.flush()
  assert.is(await engine.count(), 0)
  assert.ok(corrupt.length >= 3)
  await engine.create('broken', { version: 2 })
  assert.equal(await engine.load('broken'), { version: 2 })
  await engine.close()
})

test('a codec that returns no bytes is told so, and the engine goes on', async () => {
  const results: unknown[] = [
    'text',
    Promise.resolve(new Uint8Array(1)),
    new ArrayBuffer(8),
    new BigUint64Array(2),
  ]
  for (const result of results) {
    const plain = json()
    let wrong = true
    const codec: Codec = {
      name: 'custom',
      id: 1_000,
      encode: (session) => (wrong ? (result as Uint8Array) : plain.encode(session)),
      decode: (bytes) => plain.decode(bytes),
    }
    const engine = new SessionEngine({ directory: temporaryDirectory(), codec, threads: 1 })
    const error = await rejection(engine.save('a', { version: 1 }), EncodeError)
    assert.match(error.message, /no Uint8Array by the codec custom/)
    assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
    wrong = false
    await engine.save('a', { version: 2 })
    assert.equal(await engine.load('a'), { version: 2 })
    await engine.close()
  }
})

test('whoever asks whether a session exists is not misled by a record that is moved aside', async () => {
  const plain = json()
  const codec: Codec = {
    name: 'strict',
    id: 1_001,
    encode: (session) => plain.encode(session),
    decode: (bytes) => {
      const session = plain.decode(bytes) as { bad?: boolean }
      if (session.bad === true) throw new TypeError('not one of ours')
      return session
    },
  }
  const engine = new SessionEngine({ directory: temporaryDirectory(), codec, threads: 1 })
  await engine.save('k', { bad: true })
  const loading = engine.load('k')
  await new Promise((resolve) => setImmediate(resolve))
  const saving = engine.save('k', { good: true })
  assert.is(await loading, undefined)
  assert.equal(await Promise.all([engine.exists('k'), engine.load('k')]), [true, { good: true }])
  await saving
  await engine.close()
})

test('a session that closes the engine while it is read is refused, and the engine closes', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1 })
  let closing: Promise<void> | undefined
  const session = {
    get last(): boolean {
      closing ??= engine.close()
      return true
    },
  }
  await rejection(engine.save('k', session), EngineClosedError)
  await closing
})

test.run()
