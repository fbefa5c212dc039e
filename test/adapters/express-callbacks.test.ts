import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { CoatcheckStore } from 'coatcheck/express'
import type { SessionData } from 'express-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { answerOf, getFrom, setIn } from './callbacks.js'

const test = suite<{ store: CoatcheckStore }>('express store: callbacks')
const DATA = { cookie: { originalMaxAge: 60_000 } } as SessionData

test.before.each((context) => {
  context.store = new CoatcheckStore({ directory: temporaryDirectory() })
})

test.after.each(async ({ store }) => {
  await store.close()
})

/** What a throwing callback makes of the process: the errors nobody caught. */
async function uncaughtFrom(call: (callback: () => never) => void): Promise<unknown[]> {
  const uncaught: unknown[] = []
  const unhandled = (reason: unknown) => uncaught.push(['unhandled rejection', reason])
  process.on('unhandledRejection', unhandled)
  const seen = once(process, 'uncaughtException')
  let calls = 0
  call(() => {
    throw new Error(`thrown in call ${++calls}`)
  })
  const [error] = (await seen) as [Error]
  uncaught.push(error.message)
  // A second call, or a rejection, would come in the turns that follow.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', unhandled)
  return uncaught
}

test('a throwing callback is an uncaught exception, and called once', async ({ store }) => {
  const once = ['thrown in call 1']
  assert.equal(await uncaughtFrom((callback) => store.set('a', DATA, callback)), once, 'set')
  assert.equal(await uncaughtFrom((callback) => store.get('a', callback)), once, 'get')
  assert.equal(await uncaughtFrom((callback) => store.get('', callback)), once, 'get with an error')
  assert.equal(await uncaughtFrom((callback) => store.touch('a', DATA, callback)), once, 'touch')
  assert.equal(await uncaughtFrom((callback) => store.all(callback)), once, 'all')
  assert.equal(await uncaughtFrom((callback) => store.length(callback)), once, 'length')
  assert.equal(await uncaughtFrom((callback) => store.destroy('a', callback)), once, 'destroy')
  assert.equal(await uncaughtFrom((callback) => store.clear(callback)), once, 'clear')
})

test('callbacks come later, also when the call fails at once', async ({ store }) => {
  for (const key of ['a', '']) {
    let called = false
    const answered = new Promise<void>((resolve) => {
      store.set(key, DATA, () => {
        called = true
        resolve()
      })
    })
    assert.is(called, false)
    await answered
  }
})

test('every callback but that of get may be absent', async ({ store }) => {
  store.set('a', DATA)
  store.touch('a', DATA)
  store.destroy('a')
  store.set('b', DATA)
  store.clear()
  await store.engine.flush()
  assert.is(await answerOf((callback) => store.length(callback)), 0)
  assert.throws(() => store.get('a', undefined as never), /get\(\) needs a callback/)
})

test('what is no function is no callback', async ({ store }) => {
  for (const none of [null, false, 'callback', {}] as never[]) {
    store.set('a', DATA, none)
    store.set('', DATA, none)
    store.touch('a', DATA, none)
    store.destroy('a', none)
    store.clear(none)
    store.length(none)
    store.all(none)
  }
  await store.engine.flush()
  assert.is(await answerOf((callback) => store.length(callback)), 0)
})

test('an error without a callback goes to those who listen for it', async ({ store }) => {
  store.set('', DATA)
  store.set('', DATA)
  const [error] = (await once(store, 'error')) as [{ code: string }]
  assert.is(error.code, 'COATCHECK_INVALID_KEY')
})

test('an error without callback or listener breaks nothing', async ({ store }) => {
  store.set('', DATA)
  await setIn(store, 'a', DATA)
  assert.ok(await getFrom(store, 'a'))
})

test('errors reach the callback', async ({ store }) => {
  const codeOf = async (outcome: Promise<unknown>): Promise<unknown> => {
    const error = await outcome.then(() => undefined).catch((reason: { code?: string }) => reason)
    return error?.code
  }
  assert.is(await codeOf(setIn(store, 'x'.repeat(257), DATA)), 'COATCHECK_INVALID_KEY')
  const circular: Record<string, unknown> = { ...DATA }
  circular.self = circular
  assert.is(await codeOf(setIn(store, 'a', circular)), 'COATCHECK_ENCODE')
  assert.is(await codeOf(setIn(store, 'a', null as never)), 'COATCHECK_ENCODE')
  const throwing = {
    toJSON() {
      throw new Error('no')
    },
  }
  const error = await setIn(store, 'a', { cookie: throwing }).catch((reason: Error) => reason)
  assert.is((error as Error).message, 'no')
  const invalid = await setIn(store, 'a', { cookie: { expires: 'soon' } }).catch((reason: Error) => reason)
  assert.match((invalid as Error).message, /option "expires" is Invalid Date/)
  assert.is(await getFrom(store, 'a'), null)
})

test('a callback runs in the asynchronous context of its call', async ({ store }) => {
  const context = new AsyncLocalStorage<string>()
  const seen = await context.run('request 1', () =>
    answerOf<string>((callback) => store.set('a', DATA, () => callback(null, context.getStore()))),
  )
  assert.is(seen, 'request 1')
})

test.run()
