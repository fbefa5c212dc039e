import { EventEmitter } from 'node:events'
import { files, json, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import session from 'express-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { getFrom, setIn } from './callbacks.js'

const test = suite('express store: options')

const refused = (options: unknown, expected: RegExp): void => {
  assert.throws(
    () => new CoatcheckStore(options as ConstructorParameters<typeof CoatcheckStore>[0]),
    (error: unknown) => {
      assert.instance(error, TypeError)
      assert.match((error as TypeError).message, expected)
      return true
    },
  )
}

test('it is a store of express-session and an event emitter that can be extended', () => {
  const store = new CoatcheckStore({ directory: temporaryDirectory() })
  assert.instance(store, session.Store)
  assert.instance(store, EventEmitter)
  const handler = session({ store, secret: 'test', resave: false, saveUninitialized: false })
  assert.type(handler, 'function')
  assert.ok(Object.hasOwn(store, 'generate'))
  assert.is(store.listenerCount('disconnect'), 1)
})

test('what is no object of options is refused', () => {
  refused(undefined, /option "options" is undefined; expected an object/)
  refused('./sessions', /option "options" is a text/)
})

test('a store needs an engine, a storage or a directory', () => {
  refused({}, /option "storage" is undefined; expected a storage .* or directory/)
})

test('unknown options are refused by name', () => {
  refused({ directory: 'x', ttl: 5 }, /option "ttl" is 5; expected one of engine, storage, directory/)
})

test('ill-typed options are refused by name', () => {
  refused({ directory: 7 }, /option "directory" is 7; expected the path/)
  refused({ directory: 'x', maxAge: '5' }, /option "maxAge" is '5'; expected a number of seconds/)
  refused({ engine: {} }, /option "engine" is \{\}; expected a SessionEngine/)
  refused({ engine: null }, /option "engine" is null; expected a SessionEngine/)
})

test('an engine excludes the options of another', () => {
  const engine = new SessionEngine({ directory: temporaryDirectory() })
  refused({ engine, maxAge: 5 }, /option "maxAge" is 5; expected to be absent where engine is given/)
  new CoatcheckStore({ engine, maxAge: undefined } as { engine: SessionEngine })
})

test('engine options make an engine, which close() closes', async () => {
  const storage = files({ directory: temporaryDirectory(), layout: 'flat' })
  const store = new CoatcheckStore({ storage, codec: json(), maxAge: 60 })
  await setIn(store, 'a', { cookie: {} })
  assert.is(await store.engine.exists('a'), true)
  await store.close()
  const error = await getFrom(store, 'a').catch((reason: unknown) => reason)
  assert.is((error as { code: string }).code, 'COATCHECK_CLOSED')
})

test('one engine serves several stores, and closing them leaves it open', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory() })
  const first = new CoatcheckStore({ engine })
  const second = new CoatcheckStore({ engine })
  await setIn(first, 'a', { cookie: {}, visits: 1 })
  assert.is(first.engine, engine)
  await first.close()
  assert.is((await getFrom(second, 'a'))?.visits, 1)
  await engine.close()
})

test.run()
