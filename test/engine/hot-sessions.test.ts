import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { files, msgpack, SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Batch, type Operation } from '#dist/src/engine/batch.js'
import { HotSessions } from '#dist/src/engine/hot-sessions.js'
import { keyHash, Opcode, payloadAt, RequestWriter } from '#dist/workers/protocol/index.js'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: sessions that the event loop remembers')

/** What a worker has done with a key. */
function done(
  opcode: Opcode,
  key: string,
  expiry: number,
  payload?: Uint8Array,
  hash = keyHash(key),
): Operation {
  const batch = new Batch(new RequestWriter(0))
  const slot = { opcode, key, hash, expiry, codec: 7, payload }
  return batch.add({ ...slot, asks: opcode, acceptedAt: 0, resolve: () => {} })
}

const NOW = 1_000
const KiB = 1024
const key = fc.constantFrom(
  'a',
  'b',
  'A',
  'é',
  'ключ',
  '\ud800',
  'a\u0000',
  ...Array.from({ length: 20 }, (_, index) => `session ${index}`),
)
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constantFrom('save' as const, 'create' as const, 'update' as const),
      key,
      size: fc.oneof(fc.nat(100), fc.nat(2 * KiB), fc.constantFrom(60 * KiB, 70 * KiB)),
      expiry: fc.constantFrom(NOW, NOW + 1, NOW + 500),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('touch' as const), key, expiry: fc.constantFrom(NOW, NOW + 7) }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('delete' as const, 'drop' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constantFrom('mark' as const, 'forget before mark' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('fill' as const), mebibytes: fc.constantFrom(0.1, 0.2, 1, 20) }),
  },
)
const OPCODES = { save: Opcode.SAVE, create: Opcode.CREATE, update: Opcode.UPDATE }

test('whatever is found is the newest version, and nothing from before a mark is', () => {
  let found = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }),
      fc.boolean(),
      (steps, sameHash) => {
        const hot = new HotSessions()
        const model = new Map<string, { content: number; size: number; expiry: number; since: number }>()
        const hashOf = (name: string): number => (sameHash ? -77 : keyHash(name))
        let mark = hot.mark
        let markedAt = 0
        for (const [at, one] of steps.entries()) {
          switch (one.does) {
            case 'save':
            case 'create':
            case 'update':
              hot.done(
                done(OPCODES[one.does], one.key, one.expiry, Buffer.alloc(one.size, at), hashOf(one.key)),
              )
              model.set(one.key, { content: at % 256, size: one.size, expiry: one.expiry, since: at })
              break
            case 'touch': {
              hot.done(done(Opcode.TOUCH, one.key, one.expiry, undefined, hashOf(one.key)))
              const session = model.get(one.key)
              if (session !== undefined) session.expiry = one.expiry
              break
            }
            case 'delete':
              hot.done(done(Opcode.DELETE, one.key, 0, undefined, hashOf(one.key)))
              model.delete(one.key)
              break
            case 'drop':
              hot.drop(one.key, hashOf(one.key))
              model.delete(one.key)
              break
            case 'mark':
              mark = hot.mark
              markedAt = at
              break
            case 'forget before mark':
              hot.forgetBefore(mark)
              for (const [name, { since }] of model) if (since < markedAt) model.delete(name)
              break
            case 'fill':
              for (let index = 0; index < one.mebibytes * 32; index++)
                hot.done(done(Opcode.SAVE, `filler ${index}`, NOW + 1, Buffer.alloc(30 * KiB)))
          }
          for (const name of [...model.keys(), 'a', 'ключ', 'session 3']) {
            const session = hot.find(name, hashOf(name), NOW)
            if (session === undefined) continue
            const newest = model.get(name)
            if (newest === undefined) throw new Error(`${name} should be gone`)
            const { content, size, expiry } = newest
            found++
            assert.ok(expiry > NOW)
            assert.equal([session.expiry, session.codec, payloadAt(session).length], [expiry, 7, size])
            assert.ok(payloadAt(session).every((byte) => byte === content))
          }
          assert.ok(hot.bytes <= 17 * KiB * KiB)
        }
      },
    ),
    { numRuns: budget({ usual: 60, full: 400 }) },
  )
  assert.ok(found > 1_000, 'a memory that forgets everything would pass')
})

test('a working set stays, however often it is saved; memory comes with need and goes', () => {
  const hot = new HotSessions()
  const least = hot.bytes
  const save = (index: number, size: number): void =>
    hot.done(done(Opcode.SAVE, `session ${index}`, NOW + 1, Buffer.alloc(size)))
  const known = (count: number): number =>
    Array.from({ length: count }, (_, index) => `session ${index}`).filter(
      (name) => hot.find(name, keyHash(name), NOW) !== undefined,
    ).length
  // 400 of 316 bytes and less fit into a quarter of a MiB.
  for (let round = 0; round < 20; round++)
    for (let index = 0; index < 400; index++) save(index, 300 + ((index + round) % 16))
  assert.ok(known(400) > 390, `${known(400)} of 400`)
  assert.is(hot.bytes, least)
  for (let round = 0; round < 8; round++) for (let index = 0; index < 20_000; index++) save(index, 400)
  assert.ok(known(20_000) > 19_000, `${known(20_000)} of 20 000`)
  assert.ok(hot.bytes > least)
  hot.forget()
  assert.is(known(20_000), 0)
  assert.is(hot.bytes, least)
})

test('positions begin anew before they are too large, and what was there is forgotten', () => {
  const hot = new HotSessions()
  const large = done(Opcode.SAVE, 'large', NOW + 1, Buffer.alloc(65_000, 3))
  // A ring of the largest size, and 4 GiB through it.
  for (let bytes = 0; bytes < 2 ** 32 - 2 ** 25; bytes += 65_000) {
    hot.drop(large.key, large.hash)
    hot.done(large)
  }
  const small = done(Opcode.SAVE, 'small', NOW + 1, Buffer.alloc(10))
  hot.done(small)
  const mark = hot.mark
  assert.ok(hot.find(small.key, small.hash, NOW) !== undefined)
  while (hot.mark >= mark) {
    hot.drop(large.key, large.hash)
    hot.done(large)
  }
  assert.is(hot.find(small.key, small.hash, NOW), undefined)
  const found = hot.find(large.key, large.hash, NOW)
  assert.ok(found && payloadAt(found).every((byte) => byte === 3))
})

function journaled(directory: string): SessionEngine {
  const storage = files({ directory, durability: 'journal', checkpointInterval: 3600 })
  return new SessionEngine({ storage, threads: 1, sweepInterval: false })
}

test('what was saved is loaded without a worker, by every kind of load, until it is in a file', async () => {
  const directory = temporaryDirectory()
  const engine = journaled(directory)
  const expires = new Date(Date.now() + 100_000)
  await engine.save('key', { user: 1 }, { expires })
  await engine.flush()
  const batches = engine.stats().batches.count
  assert.equal(await engine.load('key'), { user: 1 })
  assert.equal(await engine.loadWithExpiry('key'), { session: { user: 1 }, expires })
  const version = (await engine.loadVersion('key'))?.version ?? ''
  assert.is(await engine.exists('key'), true)
  assert.equal([engine.stats().batches.count, engine.stats().fromMemory], [batches, 4])
  assert.is(engine.stats().accepted, 5)
  await engine.replace('key', { user: 2 }, version)
  assert.equal(await engine.load('key'), { user: 2 })
  const later = new Date(Date.now() + 200_000)
  assert.is(await engine.touch('key', { expires: later }), true)
  assert.equal((await engine.loadWithExpiry('key'))?.expires, later)
  assert.is(engine.stats().fromMemory, 6)
  await engine.flush({ files: true })
  // As an operator might: whose file is gone, is logged out.
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  assert.is(await engine.load('key'), undefined)
  assert.is(engine.stats().fromMemory, 6)
  await engine.close()
})

test('deleted, cleared, touched to its end, refused: no load sees it again', async () => {
  const engine = journaled(temporaryDirectory())
  for (const end of [
    () => engine.delete('key'),
    () => engine.clear(),
    () => engine.touch('key', { maxAge: 0 }),
    () => engine.save('key', {}, { maxAge: 0 }),
  ]) {
    await engine.save('key', { user: 1 })
    assert.equal(await engine.load('key'), { user: 1 })
    const ended = end()
    const after = engine.load('key')
    await ended
    assert.is(await after, undefined)
    assert.is(await engine.load('key'), undefined)
    assert.is(await engine.exists('key'), false)
  }
  await engine.close()
})

test('what the codec refuses is set aside by whoever has it', async () => {
  const storage = files({ directory: temporaryDirectory(), durability: 'journal' })
  let refuses = false
  const codec = {
    ...msgpack(),
    decode: (bytes: Uint8Array): unknown => {
      if (refuses) throw new Error('refused')
      return msgpack().decode(bytes)
    },
  }
  const engine = new SessionEngine({ storage, codec, threads: 1 })
  const told = once(engine, 'corrupt')
  await engine.save('key', {})
  refuses = true
  assert.is(await engine.load('key'), undefined)
  await told
  refuses = false
  assert.is(await engine.load('key'), undefined)
  assert.is(engine.stats().fromMemory, 0)
  await engine.close()
})

test('each caller gets an object of its own, down to the bytes', async () => {
  const storage = files({ directory: temporaryDirectory(), durability: 'journal' })
  const engine = new SessionEngine({ storage, codec: msgpack(), threads: 1 })
  await engine.save('key', { secret: Buffer.alloc(200, 1) })
  const first = (await engine.load('key')) as { secret: Buffer }
  first.secret.fill(9)
  const second = (await engine.load('key')) as { secret: Buffer }
  assert.ok(second.secret.every((byte) => byte === 1))
  await engine.save('key', { secret: Buffer.alloc(200, 2) })
  assert.ok(second.secret.every((byte) => byte === 1))
  assert.ok(engine.stats().fromMemory >= 2)
  await engine.close()
})

test('whoever loads in a loop lets the event loop turn', async () => {
  const engine = journaled(temporaryDirectory())
  await engine.save('key', {})
  let turned = false
  setImmediate(() => {
    turned = true
  })
  for (let index = 0; index < 300 && !turned; index++) await engine.load('key')
  assert.ok(turned)
  await engine.close()
})

test.run()
