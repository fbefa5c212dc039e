import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome } from './rejections.js'
import { freshKey, type StorageContext } from './subject.js'

/** What concurrent, unawaited operations give: the same as one at a time, in the order in which they were issued. */
export function registerOrder(test: Test<StorageContext>): void {
  test('of many concurrent creates of a key one wins', async ({ engine, other }) => {
    const key = freshKey()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async (_, attempt) => {
        const some = attempt % 2 === 0 ? engine : other
        return { attempt, result: await outcome(some.create(key, { attempt })) }
      }),
    )
    const winners = outcomes.filter(({ result }) => result === undefined)
    assert.is(winners.length, 1)
    assert.is(outcomes.filter(({ result }) => result === 'CreateError').length, 49)
    assert.equal(await engine.load(key), { attempt: winners[0]?.attempt })
  })

  test('unawaited operations of a key take effect in their order', async ({ engine }) => {
    const key = freshKey()
    const results = await Promise.all(
      [
        engine.load(key),
        engine.update(key, { version: 0 }),
        engine.create(key, { version: 1 }),
        engine.load(key),
        engine.create(key, { version: 2 }),
        engine.load(key),
        engine.exists(key),
        engine.update(key, { version: 3 }),
        engine.touch(key),
        engine.load(key),
        engine.delete(key),
        engine.exists(key),
        engine.touch(key),
        engine.update(key, { version: 4 }),
        engine.delete(key),
        engine.save(key, { version: 5 }),
        engine.save(key, { version: 6 }),
        engine.load(key),
      ].map(outcome),
    )
    assert.equal(results, [
      undefined,
      'UpdateError',
      undefined,
      { version: 1 },
      'CreateError',
      { version: 1 },
      true,
      undefined,
      true,
      { version: 3 },
      undefined,
      false,
      false,
      'UpdateError',
      undefined,
      undefined,
      undefined,
      { version: 6 },
    ])
  })

  test('a reader behind a create that fails does not see what was issued after it', async ({ engine }) => {
    for (const begin of [async () => undefined, async (key: string) => engine.save(key, { version: 1 })]) {
      const key = freshKey()
      await begin(key)
      const before = (await engine.load(key)) ?? { version: 2 }
      const results = await Promise.all(
        [
          engine.create(key, { version: 2 }),
          engine.exists(key),
          engine.load(key),
          engine.delete(key),
          engine.exists(key),
          engine.save(key, { version: 3 }),
          engine.load(key),
        ].map(outcome),
      )
      assert.equal(results.slice(1), [true, before, undefined, false, undefined, { version: 3 }])
    }
  })

  test('of saves issued together the last one stays, and each is acknowledged', async ({ engine, other }) => {
    const key = freshKey()
    const saves = Array.from({ length: 500 }, (_, version) => engine.save(key, { version }))
    assert.is((await Promise.all(saves)).length, 500)
    assert.equal(await other.load(key), { version: 499 })
  })

  test('no save is acknowledged before a state at least as new is stored', async ({ engine, other }) => {
    const key = freshKey()
    const seen = Array.from({ length: 60 }, async (_, version) => {
      await engine.save(key, { version, padding: 'x'.repeat(version * 10) })
      return { version, stored: await other.load(key) }
    })
    for (const { version, stored } of await Promise.all(seen)) {
      assert.ok(Number(stored?.version) >= version, `acknowledged ${version}, stored ${stored?.version}`)
    }
  })

  test('a load sees what was saved before it, and never what was saved after it', async ({ engine }) => {
    const key = freshKey()
    const loads: Promise<unknown>[] = []
    for (let version = 0; version < 50; version++) {
      void engine.save(key, { version, padding: 'x'.repeat((version * 37) % 200) })
      loads.push(engine.load(key))
      if (version % 7 === 0) await engine.exists(key)
    }
    const versions = (await Promise.all(loads)).map((session) => (session as { version: number }).version)
    assert.equal(
      versions,
      Array.from({ length: 50 }, (_, version) => version),
    )
  })

  test('the snapshot is taken at the call', async ({ engine }) => {
    const key = freshKey()
    const session = { cart: ['hat'] }
    const saving = engine.save(key, session)
    session.cart.push('coat')
    await saving
    assert.equal(await engine.load(key), { cart: ['hat'] })
    const updating = engine.update(key, session)
    session.cart.length = 0
    await updating
    assert.equal(await engine.load(key), { cart: ['hat', 'coat'] })
  })

  test('loads that wait together get objects of their own', async ({ engine }) => {
    const key = freshKey()
    const pending = [engine.save(key, { cart: ['hat'] }), engine.load(key), engine.load(key)]
    const [, ...riding] = (await Promise.all(pending)) as { cart: string[] }[]
    const stored = (await Promise.all([engine.load(key), engine.load(key)])) as { cart: string[] }[]
    const sessions = [...riding, ...stored]
    for (const session of sessions) session?.cart.push('coat')
    for (const session of sessions) assert.equal(session, { cart: ['hat', 'coat'] })
    assert.equal(await engine.load(key), { cart: ['hat'] })
  })

  test('sessions of every size come back whole', async ({ engine, other }) => {
    const sizes = [0, 1, 255, 256, 4_095, 4_096, 65_536, 300_000, 1_000_000]
    const sessions = sizes.map((size) => ({
      key: freshKey(),
      text: 'abcdefgh'.repeat(size / 8 + 1).slice(0, size),
    }))
    await Promise.all(sessions.map(({ key, text }) => engine.save(key, { text })))
    for (const { key, text } of sessions) assert.equal(await other.load(key), { text })
    const key = freshKey()
    for (const size of [1_000_000, 10, 500_000, 0]) {
      void engine.save(key, { text: 'x'.repeat(size) })
      assert.is(((await engine.load(key)) as { text: string }).text.length, size)
    }
  })

  test('clear takes effect after what was issued before it and before what is issued after it', async ({
    emptied,
  }) => {
    const engine = await emptied()
    for (let round = 0; round < 3; round++) {
      const before = [engine.save('a', { round }), engine.save('b', { round }), engine.exists('a')]
      const clearing = engine.clear()
      const after = [
        engine.exists('a'),
        engine.save('b', { after: round }),
        engine.load('b'),
        engine.create('c', {}),
      ]
      assert.equal(await Promise.all(before.map(outcome)), [undefined, undefined, true])
      await clearing
      assert.equal(await Promise.all(after.map(outcome)), [false, undefined, { after: round }, undefined])
      assert.is(await engine.count(), 2)
    }
  })

  test('flush resolves when all that was issued before it is acknowledged', async ({ engine }) => {
    let acknowledged = 0
    const saves = Array.from({ length: 300 }, async (_, index) => {
      await engine.save(`${freshKey()}x${index % 100}`, { index })
      acknowledged++
    })
    await engine.flush()
    assert.is(acknowledged, 300)
    await Promise.all(saves)
  })
}
