import { ConflictError, type SessionEngine, type SessionVersion, UpdateError } from 'coatcheck'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from './rejections.js'
import { freshKey, type StorageContext } from './subject.js'

const PAST = { expires: new Date(Date.now() - 60_000) }
const MADE_UP = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Writes that take effect only on the version that was loaded. */
export function registerVersions(test: Test<StorageContext>): void {
  test('a session is replaced as long as it is the version that was loaded', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    const first = await loaded(other, key)
    assert.equal(first.session, { version: 1 })
    const second = await engine.replace(key, { version: 2 }, first.version)
    assert.is.not(second, first.version)
    assert.equal(await other.loadVersion(key), { session: { version: 2 }, version: second })
    const third = await other.replace(key, { version: 3 }, second)
    assert.equal(await engine.loadVersion(key), { session: { version: 3 }, version: third })
    assert.equal(await engine.load(key), { version: 3 })
  })

  test('a replace of another version rejects and leaves the session alone', async ({ engine, other }) => {
    for (const method of ['save', 'update'] as const) {
      const key = freshKey()
      await engine.save(key, { version: 1 })
      const { version } = await loaded(engine, key)
      await other[method](key, { version: 2 })
      for (const some of [engine, other]) {
        const error = await rejection(some.replace(key, { version: 3 }, version), ConflictError)
        assert.is(error.code, 'COATCHECK_CONFLICT')
      }
      assert.equal(await engine.load(key), { version: 2 })
    }
  })

  test('of concurrent replaces of one version one takes effect', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { attempt: -1 })
    const { version } = await loaded(engine, key)
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, attempt) => {
        const some = attempt % 2 === 0 ? engine : other
        return { attempt, result: await outcome(some.replace(key, { attempt }, version)) }
      }),
    )
    const winners = outcomes.filter(({ result }) => result !== 'ConflictError')
    assert.is(winners.length, 1)
    const [winner] = winners
    assert.equal(await other.loadVersion(key), {
      session: { attempt: winner?.attempt },
      version: winner?.result,
    })
  })

  test('a replace makes no session and brings none back', async ({ engine, other }) => {
    const [missing, deleted, expired] = [freshKey(), freshKey(), freshKey()]
    await Promise.all([deleted, expired].map((key) => engine.save(key, { version: 1 })))
    const { version } = await loaded(engine, deleted)
    await engine.delete(deleted)
    await engine.save(expired, { version: 1 }, PAST)
    for (const key of [missing, deleted, expired]) {
      for (const some of [engine, other]) {
        assert.is(await some.loadVersion(key), undefined)
        await rejection(some.replace(key, { version: 2 }, version), UpdateError)
      }
      assert.is(await engine.load(key), undefined)
    }
    await engine.create(deleted, { version: 3 })
    await rejection(engine.replace(deleted, { version: 2 }, version), ConflictError)
    assert.equal(await other.load(deleted), { version: 3 })
  })

  test('what is stored tells the version, not who stored it, or when, or until when', async ({
    engine,
    other,
  }) => {
    const [key, twin] = [freshKey(), freshKey()]
    await Promise.all([engine.save(key, { version: 1 }), other.save(twin, { version: 1 })])
    const { version } = await loaded(engine, key)
    assert.is((await loaded(other, twin)).version, version)
    await other.touch(key, { maxAge: 60 })
    assert.is((await loaded(engine, key)).version, version)
    await engine.flush({ files: true })
    assert.is((await loaded(engine, key)).version, version)
    await other.save(key, { version: 1 })
    assert.is(await engine.replace(key, { version: 1 }, version), version)
    assert.is.not(await engine.replace(key, { version: 2 }, version), version)
  })

  test('a replace may bring an expiry of its own', async ({ engine, other }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 }, { maxAge: 60 })
    const { version } = await loaded(engine, key)
    const next = await engine.replace(key, { version: 2 }, version, { maxAge: 3600 })
    assert.equal(await other.load(key), { version: 2 })
    await engine.replace(key, { version: 3 }, next, PAST)
    assert.is(await other.load(key), undefined)
    assert.is(await other.exists(key), false)
  })

  test('unawaited replaces take their turn among the other operations of a key', async ({ engine }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    const first = await loaded(engine, key)
    const results = await Promise.all(
      [
        engine.replace(key, { version: 2 }, first.version).then(() => 'replaced'),
        engine.load(key),
        engine.replace(key, { version: 3 }, first.version),
        engine.load(key),
        engine.exists(key),
        engine.save(key, { version: 1 }),
        engine.loadVersion(key),
        engine.replace(key, { version: 4 }, first.version).then(() => 'replaced'),
        engine.update(key, { version: 5 }),
        engine.replace(key, { version: 6 }, first.version),
        engine.load(key),
        engine.delete(key),
        engine.replace(key, { version: 7 }, first.version),
        engine.exists(key),
        engine.loadVersion(key),
      ].map(outcome),
    )
    assert.equal(results, [
      'replaced',
      { version: 2 },
      'ConflictError',
      { version: 2 },
      true,
      undefined,
      first,
      'replaced',
      undefined,
      'ConflictError',
      { version: 5 },
      undefined,
      'UpdateError',
      false,
      undefined,
    ])
  })

  test('keys and sessions of every size keep clear of the version behind them', async ({ engine, other }) => {
    const keys = [
      freshKey(),
      `${freshKey()}-ключ-🧥`,
      freshKey().padEnd(256, 'k'),
      `${'K'.repeat(200)}-${freshKey()}`,
    ]
    for (const key of keys) {
      await engine.save(key, { text: '' })
      for (const size of [1, 7, 4_096, 100_000, 0]) {
        const { version } = await loaded(other, key)
        await engine.replace(key, { text: 'x'.repeat(size) }, version)
        assert.equal(await other.load(key), { text: 'x'.repeat(size) })
        if (size > 0) await rejection(other.replace(key, {}, version), ConflictError)
      }
    }
  })

  test('what is no version or no expiry rejects with a TypeError, before anything else is done', async ({
    engine,
  }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    for (const wrong of ['', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}!`, undefined, null, 7, {}]) {
      const error = await rejection(engine.replace(key, {}, wrong as SessionVersion), TypeError)
      assert.match(error.message, /loadVersion/)
    }
    await rejection(engine.replace(key, {}, MADE_UP, 7 as never), TypeError)
    await rejection(engine.replace(key, {}, MADE_UP), ConflictError)
    assert.equal(await engine.load(key), { version: 1 })
  })
}

async function loaded(engine: SessionEngine, key: string) {
  const found = await engine.loadVersion(key)
  if (found === undefined) throw new Error('there is no session')
  return found
}
