import { writeFileSync } from 'node:fs'
import { CreateError, EncodeError, files, StorageError, UpdateError } from 'coatcheck'
import { type ConflictPolicy, Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { fileOf } from './engines.js'
import { FailingEngine } from './failing-engine.js'

const directory = temporaryDirectory('memory')
const engine = new FailingEngine({
  storage: files({ directory, layout: 'flat' }),
  threads: 1,
  sweepInterval: false,
})

/** Counts the operations that a piece of work asks of the engine. */
async function operationsOf(work: () => Promise<unknown>): Promise<number> {
  const before = engine.stats().accepted
  await work()
  return engine.stats().accepted - before
}

for (const conflict of ['last-wins', 'merge', 'reject'] as const satisfies ConflictPolicy[]) {
  const test = suite(`session: requests, ${conflict}`)

  const make = (key?: string): Session => new Session({ engine, key, conflict })
  const stored = async (values: Record<string, unknown>): Promise<Session> => {
    const session = make()
    session.update(values)
    await session.save()
    return session
  }
  /** What the next request finds. */
  const found = async (key: string | undefined): Promise<Record<string, unknown> | undefined> => {
    const session = await make(key ?? '').load()
    return session.key === undefined ? undefined : Object.fromEntries(session)
  }

  test('calls of load share one read, and the next ones need none', async () => {
    const { key } = await stored({ a: 1 })
    const session = make(key)
    assert.is(await operationsOf(() => Promise.all([session.load(), session.load(), session.load()])), 1)
    assert.is(await operationsOf(() => session.load()), 0)
    assert.is(await operationsOf(() => make().load()), 0)
    assert.is(await session.load(), session)
  })

  test('a read that fails is told of, leaves the session as it was, and is tried again', async () => {
    const { key } = await stored({ a: 1 })
    const session = make(key)
    engine.failNext(conflict === 'last-wins' ? 'load' : 'loadVersion')
    const both = [rejection(session.load(), StorageError), rejection(session.load(), StorageError)]
    await Promise.all(both)
    assert.equal([session.key, session.isLoaded], [key, false])
    assert.is((await session.load()).get('a'), 1)
  })

  test('an unknown, a deleted, an expired or a damaged session is empty, and its key is never taken up', async () => {
    const expired = make()
    expired.setExpiry(-1)
    await expired.save()
    const deleted = await stored({ a: 1 })
    await engine.delete(deleted.key ?? '')
    const damaged = await stored({ a: 1 })
    writeFileSync(await fileOf({ name: '', directory, engine }, damaged.key ?? ''), 'damaged')
    const array = 'storedbysomebody'
    await engine.save(array, [1])
    for (const key of ['unknownkeyunknownkey', deleted.key, expired.key, damaged.key, array]) {
      const session = await make(key).load()
      assert.equal([session.key, session.size, session.isEmpty], [undefined, 0, true])
      session.set('new', true)
      await session.save()
      assert.is.not(session.key, key)
      assert.equal(await found(session.key), { new: true })
      assert.is(await found(key), undefined)
    }
  })

  test('a session that nobody has loaded can be saved, too', async () => {
    const { key } = await stored({ a: 1 })
    const known = make(key)
    await known.save()
    assert.equal([known.key, known.get('a'), known.accessed], [key, 1, true])
    const unknown = make('unknownkey')
    await unknown.save()
    assert.match(unknown.key ?? '', /^[a-z0-9]{32}$/)
    assert.is(await engine.exists('unknownkey'), false)
  })

  test('values that replace what was never loaded are saved; an unknown key is not taken up', async () => {
    const { key } = await stored({ a: 1 })
    const known = make(key)
    known.clear()
    known.set('b', 2)
    await known.save()
    assert.equal([known.key, await found(key)], [key, { b: 2 }])
    const unknown = make('unknownkey')
    unknown.clear()
    unknown.set('b', 2)
    await unknown.save()
    assert.is.not(unknown.key, 'unknownkey')
    assert.equal(await found(unknown.key), { b: 2 })
    const cleared = make('unknownkey')
    cleared.clear()
    assert.is((await cleared.load()).key, undefined)
  })

  test('what is cleared while it is being read stays cleared', async () => {
    const { key } = await stored({ a: 1 })
    const session = make(key)
    const loading = session.load()
    session.clear()
    await loading
    assert.equal([session.key, session.size], [key, 0])
  })

  test('the values that are stored are those of the moment of save, whatever it waits for', async () => {
    const session = make()
    const list = [1]
    session.set('list', list)
    const saves: Promise<void>[] = []
    for (let round = 2; round <= 5; round++) {
      saves.push(session.save())
      list.push(round)
      session.set('after', round)
    }
    await Promise.all(saves)
    assert.equal(await found(session.key), { list: [1, 2, 3, 4], after: 4 })
    const last = session.save()
    list.length = 0
    session.delete('after')
    await last
    assert.equal(await found(session.key), { list: [1, 2, 3, 4, 5], after: 5 })
  })

  test('saves at once, of a session without a key, make one session, and the last one stands', async () => {
    const before = await engine.count()
    const session = make()
    const saves = [1, 2, 3].map((round) => session.set('round', round).save())
    assert.is(session.key, undefined, 'there is no key before there is a session')
    await Promise.all(saves)
    assert.equal(await found(session.key), { round: 3 })
    assert.is(await engine.count(), before + 1)
  })

  test('what cannot be encoded is refused, and nothing has changed', async () => {
    const fresh = make()
    fresh.set('bad', () => 0)
    await rejection(fresh.save(), EncodeError)
    assert.equal([fresh.key, fresh.has('bad')], [undefined, true])
    fresh.set('bad', 1)
    await fresh.save()
    assert.equal(await found(fresh.key), { bad: 1 })

    const { key } = fresh
    fresh.set('bad', { deep: [Symbol('b')] }).set('good', 2)
    const both = [fresh.save(), fresh.save(), fresh.cycleKey(), fresh.create()]
    for (const failing of both) {
      const error = await rejection(failing, EncodeError)
      assert.is(error.path, 'bad.deep[0]')
    }
    assert.equal([fresh.key, fresh.get('good')], [key, 2])
    assert.equal(await found(key), { bad: 1 })
    fresh.delete('bad')
    await fresh.save()
    assert.equal(await found(key), { good: 2 })
  })

  test('a save behind one that failed has its own chance', async () => {
    const session = make()
    engine.failNext('create')
    session.set('a', 1)
    const first = rejection(session.save(), StorageError)
    const second = session.set('a', 2).save()
    await Promise.all([first, second])
    assert.equal(await found(session.key), { a: 2 })
  })

  test('a key that is taken already is left alone, and another one chosen', async () => {
    engine.seizeNext({ of: 'somebody else' })
    const session = make()
    session.set('a', 1)
    const saves = [session.save(), session.set('a', 2).save()]
    await Promise.all(saves)
    assert.is.not(session.key, engine.seizedKey)
    assert.equal(await engine.load(engine.seizedKey), { of: 'somebody else' })
    assert.equal(await found(session.key), { a: 2 })
  })

  test('mustCreate refuses where there is a session, and takes up no key of a client', async () => {
    const session = await stored({ a: 1 })
    session.set('a', 2)
    await rejection(session.save({ mustCreate: true }), CreateError)
    await rejection(make(session.key).save({ mustCreate: true }), CreateError)
    assert.equal(await found(session.key), { a: 1 })
    const unknown = make('unknownkey')
    await unknown.save({ mustCreate: true })
    assert.is.not(unknown.key, 'unknownkey')
    assert.equal(await found(unknown.key), {})
  })

  test('create stores what is in hand under a new key, and leaves the old session', async () => {
    const session = await stored({ a: 1 })
    const { key } = session
    session.modified = false
    session.set('a', 2)
    await session.create()
    assert.is.not(session.key, key)
    assert.equal([session.accessed, session.modified], [true, true])
    assert.equal([await found(key), await found(session.key)], [{ a: 1 }, { a: 2 }])
    await session.set('a', 3).save()
    assert.equal([await found(key), await found(session.key)], [{ a: 1 }, { a: 3 }])
    const unloaded = make(key)
    await unloaded.create()
    assert.equal([unloaded.size, unloaded.key === key], [0, false])
    assert.equal(await found(key), { a: 1 })
  })

  test('saving leaves `modified` to whoever asks for it', async () => {
    const session = await (await make((await stored({})).key).load()).load()
    await session.save()
    assert.is(session.modified, false)
    session.set('a', 1)
    await session.save()
    assert.is(session.modified, true)
  })

  test('a deleted session stays deleted, whoever saves', async () => {
    const here = await stored({ a: 1 })
    const there = await make(here.key).load()
    await there.destroy()
    assert.is(there.get('a'), 1)
    for (const session of [here, there]) {
      await rejection(session.set('a', 2).save(), UpdateError)
      assert.is(session.get('a'), 2)
    }
    assert.is(await found(here.key), undefined)
    await make().destroy()
  })

  test('after flush a save stores nothing that was there before', async () => {
    for (const wait of [true, false]) {
      const session = await stored({ secret: 1 })
      const { key } = session
      const other = await make(key).load()
      session.set('more', 2)
      const earlier = session.save()
      const flushed = session.flush()
      assert.is(session.size, 0)
      if (wait) await flushed
      session.set('new', 3)
      const later = session.save()
      await Promise.all([earlier, flushed, later])
      assert.is.not(session.key, key)
      assert.equal(await found(session.key), { new: 3 })
      assert.is(await found(key), undefined)
      await rejection(other.save(), UpdateError)
    }
  })

  test('flush while the session is being created leaves nothing', async () => {
    const before = await engine.count()
    const session = make()
    session.set('secret', 1)
    const saves = [session.save(), session.save()]
    await Promise.all([session.flush(), ...saves])
    assert.equal([session.key, session.size], [undefined, 0])
    assert.is(await engine.count(), before)
  })

  test('a flush that fails keeps the key, so that it can be tried again', async () => {
    const session = await stored({ secret: 1 })
    const { key } = session
    engine.failNext('delete')
    await rejection(session.flush(), StorageError)
    assert.equal([session.key, session.size], [key, 0])
    await session.flush()
    assert.equal([session.key, await found(key)], [undefined, undefined])
  })

  test('saves of the old key that are under way while it is cycled bring nothing back', async () => {
    const mine = await stored({ a: 1 })
    const former = mine.key
    const others = await Promise.all(Array.from({ length: 8 }, () => make(former).load()))
    let cycled = false
    const cycling = mine.cycleKey().finally(() => {
      cycled = true
    })
    cycling.catch(() => undefined)
    const outcomes: unknown[] = []
    // One after the other, so that some come before the old key is gone and some after.
    const saving = others.map(async (other, index) => {
      while (!cycled) outcomes.push(await outcome(other.save()))
      return outcome(other.set('late', index).save())
    })
    const word = await outcome(cycling)
    if (conflict === 'reject' && word === 'ConflictError') {
      // Others were first, and the old key stays theirs.
      await Promise.all(saving.map(outcome))
      assert.is(mine.key, former)
      await mine.flush()
      return
    }
    assert.is(word, undefined)
    assert.equal(
      await Promise.all(saving),
      others.map(() => 'UpdateError'),
    )
    const allowed = [undefined, 'UpdateError', ...(conflict === 'reject' ? ['ConflictError'] : [])]
    assert.ok(outcomes.length > 0 && outcomes.every((word) => allowed.includes(word as string)))
    assert.is(await found(former), undefined)
    assert.equal(await found(mine.key), { a: 1 })
  })

  test('cycleKey gives a new session a key, an unknown one another, and changes nothing when it fails', async () => {
    const fresh = make()
    await fresh.set('a', 1).cycleKey()
    assert.equal(await found(fresh.key), { a: 1 })
    const unknown = make('unknownkey')
    await unknown.cycleKey()
    assert.match(unknown.key ?? '', /^[a-z0-9]{32}$/)
    assert.is(await engine.exists('unknownkey'), false)
    const { key } = fresh
    engine.failNext('create')
    await rejection(fresh.cycleKey(), StorageError)
    assert.equal([fresh.key, await found(key)], [key, { a: 1 }])
    engine.failNext('delete')
    await rejection(fresh.cycleKey(), StorageError)
    assert.is.not(fresh.key, key)
    assert.equal(await found(fresh.key), { a: 1 })
  })

  test('cycleKey brings no session back that was deleted meanwhile', async () => {
    const before = await engine.count()
    const here = await stored({ user: 1 })
    const { key } = here
    const there = await make(key).load()
    await there.flush()
    await rejection(here.cycleKey(), UpdateError)
    assert.equal([here.key, here.get('user')], [key, 1])
    assert.is(await engine.count(), before)
  })

  test('a session that ends while its key is cycled stays ended', async () => {
    const before = await engine.count()
    for (let round = 0; round < 10; round++) {
      const here = await stored({ user: 1 })
      const cycling = outcome(here.cycleKey())
      for (let wait = 0; wait < round; wait++) await engine.exists('another-key')
      const there = await make(here.key).load()
      await there.flush()
      const word = await cycling
      assert.ok(word === undefined || word === 'UpdateError', String(word))
      if (word === undefined) await here.flush()
      assert.is(await engine.count(), before)
    }
  })

  test('of several that cycle one key at once, one gets a new one', async () => {
    const before = await engine.count()
    const { key } = await stored({ user: 1 })
    const sessions = await Promise.all(Array.from({ length: 6 }, () => make(key).load()))
    const words = await Promise.all(sessions.map((session) => outcome(session.cycleKey())))
    const winners = sessions.filter((_, index) => words[index] === undefined)
    assert.is(winners.length, 1)
    const told = conflict === 'reject' ? ['UpdateError', 'ConflictError'] : ['UpdateError']
    assert.ok(
      words.every((word) => word === undefined || told.includes(String(word))),
      String(words),
    )
    assert.is(await engine.count(), before + 1)
    assert.equal(await found(winners[0]?.key), { user: 1 })
    assert.is(await found(key), undefined)
  })

  test('an old session that cannot be ended is gone on with, and the new one is taken back', async () => {
    const session = await stored({ a: 1 })
    const { key } = session
    const before = await engine.count()
    engine.failNext('replace')
    await rejection(session.cycleKey(), StorageError)
    assert.equal([session.key, await found(key)], [key, { a: 1 }])
    assert.is(await engine.count(), before)
  })

  test('what is called in order takes effect in order', async () => {
    const session = make()
    session.set('a', 1)
    const work = [session.save(), session.cycleKey(), session.set('a', 2).save(), session.exists()]
    assert.equal(await Promise.all(work), [undefined, undefined, undefined, true])
    assert.equal(await found(session.key), { a: 2 })
    const destroyed = session.destroy()
    const exists = session.exists()
    const late = session.save()
    assert.equal([await destroyed, await exists], [undefined, false])
    await rejection(late, UpdateError)
  })

  if (conflict === 'reject') test.after(() => engine.close())
  test.run()
}
