import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateError, type SessionEngine, UpdateError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { rejection } from '../conformance/rejections.js'
import { skipWhere } from '../skip.js'
import { DjangoError, DjangoProcess, missingDjango } from './django-process.js'
import { freshKey, PREFIX, SharedDirectory } from './shared-directory.js'

/*
 * Django and an engine at work in one directory at the same time, and what each sweeps away of the other.
 */

interface Context {
  django: DjangoProcess
  shared: SharedDirectory
  engine: SessionEngine
}

const test = suite<Context>('django: both at once')
const withDjango = skipWhere(missingDjango)
/** Rounds of loads and saves of each side, at the least; 3 000 take ten seconds and more. */
const ROUNDS = Number(process.env.INTEROP_ROUNDS ?? budget({ usual: 60, full: 5000 }))
const TWO_WEEKS = 1_209_600

test.before(async (context) => {
  if (missingDjango === undefined) context.django = await DjangoProcess.start()
})
test.before.each(async (context) => {
  if (missingDjango !== undefined) return
  context.shared = await SharedDirectory.open(context.django)
  context.engine = context.shared.engine()
})
test.after.each(async ({ shared }) => {
  await shared?.close()
})
test.after(async ({ django }) => {
  await django?.stop()
})

interface Version extends Record<string, unknown> {
  readonly writer: string
  readonly number: number
  readonly padding: string
}

/** The same as the Python program's. */
function version(writer: string, number: number): Version {
  return { writer, number, padding: `${writer}-${number},`.repeat(number % 200) }
}

interface Rounds {
  readonly whole: number
  readonly wrong: readonly string[]
}

withDjango(test, 'neither ever reads a torn session of the other', async ({ shared, engine }) => {
  const keys = Array.from({ length: 4 }, freshKey)
  engine.on('corrupt', ({ reason }) => assert.unreachable(reason))
  await Promise.all(keys.map((key) => engine.save(key, version('engine', 0))))
  const done = { django: 0, engine: 0 }
  const isOver = (): boolean => done.django >= ROUNDS && done.engine >= ROUNDS
  const djangoWorks = async (): Promise<void> => {
    while (!isOver()) {
      const { whole, wrong } = await shared.django.ask<Rounds>('rounds', {
        keys,
        first: done.django,
        count: 10,
      })
      assert.equal(wrong, [])
      assert.is(whole, 10 * keys.length)
      done.django += 10
    }
  }
  const engineWorks = async (): Promise<void> => {
    while (!isOver()) {
      for (const key of keys) {
        const session = await engine.load(key)
        assert.ok(session, 'a session was gone')
        const { writer, number } = session as Version
        assert.equal(session, version(writer, number))
        await engine.update(key, version('engine', done.engine))
      }
      done.engine++
    }
  }
  await Promise.all([djangoWorks(), engineWorks()])
  assert.equal(shared.names(), keys.map((key) => PREFIX + key).sort(), 'nothing lies about')
})

withDjango(
  test,
  'a session that was deleted while Django saves it stays deleted',
  async ({ shared, engine }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    const goOn = await shared.django.askUntilHeldUp('late_save', { key, session: { version: 2 } })
    await engine.delete(key)
    await goOn()
    // One that begins after the delete is refused, if not in Django's usual words.
    const late = shared.django.ask('save', { key, session: { version: 2 } })
    assert.is((await rejection(late, DjangoError)).kind, 'IsADirectoryError')
    assert.is(await engine.load(key), undefined)
    assert.equal(await shared.django.ask('load', { key }), { session: {}, key: null })
    await rejection(engine.update(key, { version: 3 }), UpdateError)
    await engine.create(key, { version: 4 })
    assert.equal(await shared.django.ask('load', { key }), { session: { version: 4 }, key })
    assert.equal(shared.names(), [PREFIX + key])
  },
)

withDjango(test, 'what such a save leaves goes when the engine is closed', async ({ shared, engine }) => {
  const key = freshKey()
  await engine.save(key, { version: 1 })
  const goOn = await shared.django.askUntilHeldUp('late_save', { key, session: { version: 2 } })
  await engine.delete(key)
  await goOn()
  assert.is(readdirSync(shared.file(key)).length, 1, 'Django has moved it into the tombstone')
  await engine.close()
  assert.equal(shared.names(), [])
})

withDjango(
  test,
  'a session that is saved while Django saves it is one or the other',
  async ({ shared, engine }) => {
    const key = freshKey()
    await engine.save(key, { version: 1 })
    const goOn = await shared.django.askUntilHeldUp('late_save', { key, session: { version: 2 } })
    await engine.update(key, { version: 3 })
    assert.equal(await engine.load(key), { version: 3 })
    await goOn()
    assert.equal(await engine.load(key), { version: 2 })
  },
)

withDjango(
  test,
  "Django's clear_expired removes what expired here, and nothing else",
  async ({ shared, engine }) => {
    const [live, dead, deleted] = [freshKey(), freshKey(), freshKey()]
    await engine.save(live, { a: 1 })
    await engine.save(dead, { a: 1 }, { maxAge: -1 })
    await engine.save(deleted, { a: 1 })
    await engine.delete(deleted)
    await shared.django.ask('clear_expired')
    assert.equal(shared.names(), [PREFIX + live, PREFIX + deleted].sort())
    assert.equal(await engine.load(live), { a: 1 })
    assert.is(await engine.exists(dead), false)
    await rejection(engine.update(deleted, {}), UpdateError)
  },
)

withDjango(
  test,
  'clearExpired removes what expired in Django, and nothing else',
  async ({ shared, engine }) => {
    const { django } = shared
    const live = await django.ask<string>('new', { session: { a: 1 } })
    const forever = await django.ask<string>('new', { session: { a: 1 }, expiry: { seconds: 600 } })
    shared.age(forever, 2 * TWO_WEEKS)
    const old = await django.ask<string>('new', { session: { a: 1 } })
    shared.age(old, TWO_WEEKS + 1)
    await django.ask('new', { session: { a: 1 }, expiry: { seconds: -1 } })
    const { expired, orphans, corrupt } = await engine.clearExpired()
    assert.equal({ expired, orphans, corrupt }, { expired: 2, orphans: 0, corrupt: 0 })
    assert.equal(shared.names(), [PREFIX + live, PREFIX + forever].sort())
    assert.is(await engine.count(), 2)
    await engine.clear()
    assert.is(await engine.count(), 0)
    assert.equal(await django.ask('load', { key: live }), { session: {}, key: null })
  },
)

withDjango(
  test,
  'what a crash of Django leaves is no session, and swept when its time is over',
  async ({ shared, engine }) => {
    const key = freshKey()
    const foreign = [`${PREFIX}ABC`, `${PREFIX}-x`, `${PREFIX}abc.tmp`, 'another']
    const litter = [PREFIX + key, `${PREFIX}${key}_out_h3k_2x9a`]
    for (const name of [...foreign, ...litter]) writeFileSync(join(shared.path, name), '')
    engine.on('corrupt', ({ reason }) => assert.unreachable(reason))
    assert.is(await engine.load(key), undefined)
    assert.is(await engine.exists(key), false)
    assert.is(await engine.count(), 0)
    await rejection(engine.update(key, {}), UpdateError)
    // For all that is known, Django is just creating it.
    await rejection(engine.create(key, {}), CreateError)
    assert.is((await engine.clearExpired()).orphans, 0)
    const hasty = shared.engine({}, { orphanGrace: 0 })
    for (const name of litter) utimesSync(join(shared.path, name), 0, 0)
    assert.is((await hasty.clearExpired()).orphans, 2)
    assert.equal(shared.names(), foreign.sort())
    await hasty.create(key, { a: 1 })
    assert.equal(await shared.django.ask('load', { key }), { session: { a: 1 }, key })
  },
)

test.run()
