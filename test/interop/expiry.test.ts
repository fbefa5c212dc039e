import { existsSync } from 'node:fs'
import type { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skipWhere } from '../skip.js'
import { DjangoProcess, missingDjango } from './django-process.js'
import { freshKey, SharedDirectory } from './shared-directory.js'

/*
 * When a session has expired for Django, and when for an engine: never for one alone.
 */

interface Context {
  shared: SharedDirectory
  engine: SessionEngine
}

const test = suite<Context>('django: expiry')
const withDjango = skipWhere(missingDjango)
const TWO_WEEKS = 1_209_600
/** Seconds that a test may take at the most, between a save and a look. */
const SLACK = 600

test.before(async (context) => {
  if (missingDjango !== undefined) return
  context.shared = await SharedDirectory.open(await DjangoProcess.start())
  context.engine = context.shared.engine()
})
test.after(async ({ shared }) => {
  await shared?.close()
  await shared?.django.stop()
})

/** Asks both, Django last: it removes what has expired. */
async function isAlive({ shared, engine }: Context, key: string): Promise<boolean> {
  const loaded = (await engine.load(key)) !== undefined
  assert.is(await engine.exists(key), loaded)
  const listed: string[] = []
  for await (const some of engine.keys()) listed.push(some)
  assert.is(listed.includes(key), loaded)
  const { session } = await shared.django.ask<{ session: object }>('load', { key })
  assert.is(Object.keys(session).length > 0, loaded, 'Django is of another opinion')
  return loaded
}

withDjango(test, 'what is saved here lives as long in Django, to the second', async (context) => {
  const { shared, engine } = context
  const lives = [TWO_WEEKS, 3600, 10 * TWO_WEEKS, 86_400]
  for (const [index, maxAge] of lives.entries()) {
    const key = freshKey()
    await engine.save(key, { a: 1 }, index === 0 ? undefined : { maxAge })
    const age = await shared.django.ask<number>('age', { key })
    assert.ok(age <= maxAge && age > maxAge - SLACK, `${age} of ${maxAge}`)
    assert.ok(await isAlive(context, key))
    assert.is(await engine.touch(key, { maxAge: 7200 }), true)
    const touched = await shared.django.ask<number>('age', { key })
    assert.ok(touched <= 7200 && touched > 7200 - SLACK, `${touched} after a touch`)
    assert.equal(await engine.load(key), { a: 1 })
  }
})

withDjango(test, 'what has expired here has expired in Django', async (context) => {
  const key = freshKey()
  await context.engine.save(key, { a: 1 }, { maxAge: -1 })
  assert.not.ok(await isAlive(context, key))
  assert.not.ok(existsSync(context.shared.file(key)), 'Django has removed it')
})

withDjango(test, 'the age of its file ends a session, and so does what it says itself', async (context) => {
  const { shared } = context
  const { django } = shared
  const cases: readonly [expiry: object | undefined, fileAge: number, alive: boolean][] = [
    [undefined, TWO_WEEKS - SLACK, true],
    [undefined, TWO_WEEKS + 1, false],
    // 0: when the browser is closed, which no server sees.
    [{ seconds: 0 }, TWO_WEEKS - SLACK, true],
    [{ seconds: 0 }, TWO_WEEKS + 1, false],
    [{ seconds: -1 }, 0, false],
    [{ seconds: 600 }, 0, true],
    // Only the browser's cookie ends by then: Django's file backend never looks.
    [{ seconds: 600 }, 601, true],
    [{ seconds: 600 }, 2 * TWO_WEEKS, true],
    [{ seconds: 10 * TWO_WEEKS }, 2 * TWO_WEEKS, true],
  ]
  for (const [expiry, fileAge, alive] of cases) {
    const key = await django.ask<string>('new', { session: { a: 1 }, expiry })
    shared.age(key, fileAge)
    assert.is(await isAlive(context, key), alive, `${JSON.stringify(expiry)}, ${fileAge} s old`)
  }
})

withDjango(test, 'the same when it is written here', async (context) => {
  const { shared, engine } = context
  for (const [seconds, alive] of [
    [0, true],
    [-1, false],
    [600, true],
    [null, true],
  ] as const) {
    const key = freshKey()
    const issued = [engine.save(key, { _session_expiry: seconds }), engine.load(key), engine.exists(key)]
    const [, loaded, exists] = await Promise.all(issued)
    assert.is(exists, alive, 'a reader that rides on the save')
    assert.is(loaded !== undefined, alive)
    assert.is(await isAlive(context, key), alive, `${seconds}`)
  }
  // What a session says itself goes before what it is saved with.
  const key = freshKey()
  await engine.save(key, { _session_expiry: 600 }, { maxAge: -1 })
  assert.ok(await isAlive(context, key))
  assert.is(await engine.touch(key, { maxAge: 1 }), true)
  shared.age(key, 2 * TWO_WEEKS)
  assert.ok(await isAlive(context, key))
})

withDjango(test, 'a moment in the session ends it', async (context) => {
  const { shared, engine } = context
  const { django } = shared
  // Django before 4.1 cannot store a moment as JSON; after, it has them as text.
  const able = django.isAtLeast(4, 1)
  for (const seconds of [3600, -60]) {
    const moment = new Date(Date.now() + seconds * 1000).toISOString().replace('Z', '+00:00')
    const key = able
      ? await django.ask<string>('new', { session: { a: 1 }, expiry: { in: seconds } })
      : await django.ask<string>('new', { session: { a: 1, _session_expiry: moment } })
    for (const fileAge of [0, 2 * TWO_WEEKS]) {
      shared.age(key, fileAge)
      assert.is((await engine.load(key)) !== undefined, seconds > 0, `${seconds}, ${fileAge} s old`)
      assert.is(await engine.exists(key), seconds > 0)
    }
    if (able) assert.is(await isAlive(context, key), seconds > 0)
  }
})

withDjango(test, 'idle sessions end where that is asked for', async ({ shared }) => {
  const strict = shared.engine({ expireIdle: true })
  const key = await shared.django.ask<string>('new', { session: { a: 1 }, expiry: { seconds: 600 } })
  assert.is(await strict.exists(key), true)
  shared.age(key, 599)
  assert.is(await strict.touch(key), true)
  assert.ok((await strict.load(key)) !== undefined)
  shared.age(key, 601)
  assert.is(await strict.exists(key), false)
  assert.is(await strict.touch(key), false)
  assert.is(await strict.load(key), undefined)
  await strict.save(key, { _session_expiry: 600 })
  assert.is(await strict.exists(key), true)
})

withDjango(test, 'another SESSION_COOKIE_AGE', async ({ shared }) => {
  await shared.django.ask('configure', { SESSION_COOKIE_AGE: 3600 })
  try {
    const engine = shared.engine({ cookieAge: 3600 })
    const key = await shared.django.ask<string>('new', { session: { a: 1 } })
    shared.age(key, 3601)
    assert.not.ok(await isAlive({ shared, engine }, key))
    const another = freshKey()
    await engine.save(another, { a: 1 })
    const age = await shared.django.ask<number>('age', { key: another })
    assert.ok(age <= TWO_WEEKS && age > TWO_WEEKS - SLACK)
  } finally {
    await shared.django.ask('configure', { SESSION_COOKIE_AGE: TWO_WEEKS })
  }
})

test.run()
