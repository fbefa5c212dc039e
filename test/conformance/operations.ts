import { setTimeout as delay } from 'node:timers/promises'
import { CreateError, InvalidSessionKeyError, UpdateError } from 'coatcheck'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from './rejections.js'
import { freshKey, type StorageContext } from './subject.js'

const PAST = { expires: new Date(Date.now() - 60_000) }
const YEAR = 31_536_000_000
const FAR_PAST = [
  { maxAge: Number.NEGATIVE_INFINITY },
  { maxAge: Number.MIN_SAFE_INTEGER },
  { expires: new Date(-8.64e15) },
  { expires: new Date(-1) },
  { expires: new Date(0) },
]
const FAR_FUTURE = [
  { maxAge: Number.POSITIVE_INFINITY },
  { maxAge: Number.MAX_SAFE_INTEGER },
  { expires: new Date(8.64e15) },
]

/** What each operation gives, one at a time. */
export function registerOperations(test: Test<StorageContext>): void {
  test('create stores a session that every engine can load', async ({ engine, other }) => {
    const key = freshKey()
    assert.is(await engine.create(key, { cart: ['hat'] }), undefined)
    assert.equal(await engine.load(key), { cart: ['hat'] })
    assert.equal(await other.load(key), { cart: ['hat'] })
  })

  test('create of a key in use rejects and leaves the session alone', async ({ engine, other }) => {
    const key = freshKey()
    await engine.create(key, { version: 1 })
    for (const some of [engine, other]) {
      const error = await rejection(some.create(key, { version: 2 }), CreateError)
      assert.is(error.code, 'COATCHECK_EXISTS')
    }
    assert.equal(await other.load(key), { version: 1 })
  })

  test('save creates and replaces', async ({ engine, other }) => {
    const key = freshKey()
    assert.is(await engine.save(key, { version: 1 }), undefined)
    await other.save(key, { version: 2 })
    assert.equal(await engine.load(key), { version: 2 })
  })

  test('update replaces a session and refuses to make one', async ({ engine, other }) => {
    const key = freshKey()
    const error = await rejection(engine.update(key, { version: 1 }), UpdateError)
    assert.is(error.code, 'COATCHECK_MISSING')
    assert.is(await other.load(key), undefined)
    await engine.save(key, { version: 1 })
    assert.is(await other.update(key, { version: 2 }), undefined)
    assert.equal(await engine.load(key), { version: 2 })
  })

  test('update after delete rejects, and the session stays deleted', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    await engine.delete(key)
    await rejection(engine.update(key, { version: 2 }), UpdateError)
    await rejection(other.update(key, { version: 3 }), UpdateError)
    assert.is(await engine.load(key), undefined)
    assert.is(await other.exists(key), false)
  })

  test('a deleted key can be created and saved again', async ({ engine, other }) => {
    const [first, second] = [freshKey(), freshKey()]
    for (const key of [first, second]) {
      await engine.save(key, { version: 1 })
      await engine.delete(key)
    }
    await engine.create(first, { version: 2 })
    await other.save(second, { version: 2 })
    assert.equal(await other.load(first), { version: 2 })
    assert.equal(await engine.load(second), { version: 2 })
    await engine.update(second, { version: 3 })
    assert.equal(await other.load(second), { version: 3 })
  })

  test('delete is idempotent', async ({ engine, other }) => {
    const key = freshKey()
    assert.is(await engine.delete(key), undefined)
    await engine.save(key, {})
    assert.equal(await Promise.all([engine.delete(key), engine.delete(key)]), [undefined, undefined])
    assert.is(await other.delete(key), undefined)
    assert.is(await engine.load(key), undefined)
  })

  test('what is missing is a result, not an error', async ({ engine }) => {
    const key = freshKey()
    assert.is(await engine.load(key), undefined)
    assert.is(await engine.exists(key), false)
    assert.is(await engine.touch(key), false)
  })

  test('exists and touch tell of a live session', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    assert.is(await other.exists(key), true)
    assert.is(await other.touch(key), true)
    assert.equal(await engine.load(key), { version: 1 })
  })

  test('an expired session is gone for every operation', async ({ engine, other }) => {
    for (const expiry of [PAST, { maxAge: -1 }, { maxAge: 0 }]) {
      const key = freshKey()
      await engine.save(key, { version: 1 }, expiry)
      for (const some of [engine, other]) {
        assert.is(await some.load(key), undefined)
        assert.is(await some.exists(key), false)
        assert.is(await some.touch(key), false)
        assert.is(await outcome(some.update(key, { version: 2 })), 'UpdateError')
      }
      assert.is(await engine.create(key, { version: 3 }), undefined, 'an expired session is not in the way')
      assert.equal(await other.load(key), { version: 3 })
    }
  })

  test('an expiry in the far past has come, and one in the far future has not', async ({ engine, other }) => {
    for (const expiry of FAR_PAST) {
      const key = freshKey()
      await engine.create(key, { version: 1 }, expiry)
      assert.is(await other.load(key), undefined)
      await engine.save(key, { version: 2 })
      await engine.save(key, { version: 3 }, expiry)
      assert.is(await other.exists(key), false)
      await engine.save(key, { version: 4 })
      await engine.update(key, { version: 5 }, expiry)
      assert.is(await other.exists(key), false)
      await engine.save(key, { version: 6 })
      assert.is(await engine.touch(key, expiry), true)
      assert.is(await other.load(key), undefined)
    }
    for (const expiry of FAR_FUTURE) {
      const key = freshKey()
      await engine.create(key, { version: 1 }, expiry)
      assert.equal(await other.load(key), { version: 1 })
      await engine.save(key, { version: 2 }, { maxAge: 60 })
      assert.is(await engine.touch(key, expiry), true)
      const { expires } = (await other.loadWithExpiry(key)) ?? {}
      assert.ok(expires !== undefined && expires.getTime() > Date.now() + YEAR)
    }
  })

  test('each write may bring an expiry of its own', async ({ engine, other }) => {
    const [created, updated] = [freshKey(), freshKey()]
    await engine.create(created, {}, PAST)
    assert.is(await other.load(created), undefined)
    await engine.save(updated, {})
    await engine.update(updated, {}, PAST)
    assert.is(await other.load(updated), undefined)
    await engine.save(updated, {}, { expires: new Date(Date.now() + 60_000) })
    assert.equal(await other.load(updated), {})
    await engine.save(updated, {}, { maxAge: 60 })
    assert.equal(await other.load(updated), {})
  })

  test('touch moves the expiry both ways and keeps the session', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 }, { maxAge: 60 })
    assert.is(await engine.touch(key, { maxAge: 3600 }), true)
    assert.is(await engine.touch(key, { expires: new Date(Date.now() + 30_000) }), true)
    assert.equal(await other.load(key), { version: 1 })
    assert.is(await engine.touch(key, PAST), true)
    assert.is(await other.load(key), undefined)
    assert.is(
      await engine.touch(key, { maxAge: 60 }),
      false,
      'a touch does not bring an expired session back',
    )
  })

  test('loadWithExpiry tells the moment that was last given', async ({ engine, other }) => {
    const key = freshKey()
    const moments = [61_111, 3_600_001, 30_777].map((life) => new Date(Date.now() + life))
    const [saved, lengthened, shortened] = moments as [Date, Date, Date]
    await engine.save(key, { version: 1 }, { expires: saved })
    assert.equal(await other.loadWithExpiry(key), { session: { version: 1 }, expires: saved })
    await engine.touch(key, { expires: lengthened })
    assert.equal((await other.loadWithExpiry(key))?.expires, lengthened)
    await engine.touch(key, { expires: shortened })
    assert.equal(await other.loadWithExpiry(key), { session: { version: 1 }, expires: shortened })
    // One that rides on a save which has not left yet.
    const riding = [engine.save(key, { version: 2 }, { expires: saved }), engine.loadWithExpiry(key)]
    assert.equal((await Promise.all(riding))[1], { session: { version: 2 }, expires: saved })
    await engine.delete(key)
    assert.is(await other.loadWithExpiry(key), undefined)
    await engine.save(key, {}, PAST)
    assert.is(await other.loadWithExpiry(key), undefined)
  })

  test('a session lives as long as it was given, by itself or by its engine, and no longer', async ({
    fresh,
  }) => {
    const engine = fresh({ maxAge: 1 })
    const begun = Date.now()
    const lives = [
      { key: 'short', life: 300, saved: engine.save('short', {}, { expires: new Date(begun + 300) }) },
      { key: 'engine', life: 1_000, saved: engine.save('engine', {}) },
    ]
    await engine.save('long', {}, { maxAge: 60 })
    for (const { key, life, saved } of lives) {
      await saved
      let alive = true
      while (alive && Date.now() < begun + 30_000) {
        // Looks now and then: a second of looking all the time is a second of two processors, for each storage.
        await delay(10)
        alive = await engine.exists(key)
      }
      assert.is(alive, false)
      assert.ok(Date.now() >= begun + life, 'it went before its time')
    }
    assert.is(await engine.exists('long'), true)
  })

  test('what is no key rejects everywhere', async ({ engine }) => {
    for (const wrong of ['', 'x'.repeat(257), undefined, null, 7, {}, Symbol('key')]) {
      const key = wrong as string
      const calls = [
        engine.create(key, {}),
        engine.update(key, {}),
        engine.save(key, {}),
        engine.replace(key, {}, 'x'.repeat(22)),
        engine.touch(key),
        engine.load(key),
        engine.loadVersion(key),
        engine.loadWithExpiry(key),
        engine.exists(key),
        engine.delete(key),
      ]
      for (const call of calls) {
        const error = await rejection(call, InvalidSessionKeyError)
        assert.is(error.code, 'COATCHECK_INVALID_KEY')
      }
    }
  })

  test('what is no expiry rejects with a TypeError', async ({ engine }) => {
    const key = freshKey()
    const wrong = [
      { maxAge: Number.NaN },
      { maxAge: '7' },
      { expires: new Date(Number.NaN) },
      { expires: 7 },
      7,
      null,
    ]
    for (const expiry of wrong) {
      await rejection(engine.save(key, {}, expiry as never), TypeError)
      await rejection(engine.touch(key, expiry as never), TypeError)
    }
    assert.is(await engine.exists(key), false)
  })
}
