import { inspect } from 'node:util'
import { json, msgpack, SessionEngine, type SessionEngineOptions } from 'coatcheck'
import { Session, SessionNotLoadedError } from 'coatcheck/session'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('session: values')

const open = (options: SessionEngineOptions = {}): SessionEngine<object> =>
  new SessionEngine<object>({
    directory: temporaryDirectory('memory'),
    threads: 1,
    sweepInterval: false,
    ...options,
  })

const engines = [open({ codec: msgpack() }), open({ codec: json() })]
const [engine = open()] = engines

test.after(async () => {
  await Promise.all(engines.map((some) => some.close()))
})

const UNKNOWN = 'k'.repeat(32)

const readers: readonly [string, (session: Session) => unknown][] = [
  ['get', (session) => session.get('a')],
  ['has', (session) => session.has('a')],
  ['keys', (session) => [...session.keys()]],
  ['values', (session) => [...session.values()]],
  ['entries', (session) => [...session.entries()]],
  ['iteration', (session) => [...session]],
  ['size', (session) => session.size],
  ['pop of nothing', (session) => session.pop('none', 0)],
  ['delete of nothing', (session) => session.delete('none')],
  ['setDefault of something', (session) => session.setDefault('a', 2)],
  ['getExpiryAge', (session) => session.getExpiryAge()],
  ['getExpiryDate', (session) => session.getExpiryDate()],
  ['expiresAtBrowserClose', (session) => session.expiresAtBrowserClose],
  ['testCookieWorked', (session) => session.testCookieWorked()],
  ['deleteTestCookie of nothing', (session) => session.deleteTestCookie()],
  ['setExpiry(null) of nothing', (session) => session.setExpiry(null)],
]

const writers: readonly [string, (session: Session) => unknown][] = [
  ['set', (session) => session.set('a', 2)],
  ['update', (session) => session.update({})],
  ['delete', (session) => session.delete('a')],
  ['pop', (session) => session.pop('a')],
  ['setDefault', (session) => session.setDefault('b', 2)],
  ['setExpiry', (session) => session.setExpiry(5)],
  ['setTestCookie', (session) => session.setTestCookie()],
]

async function stored(values: Record<string, unknown>): Promise<Session> {
  const session = new Session({ engine })
  session.update(values)
  await session.save()
  return new Session({ engine, key: session.key })
}

for (const [kind, list, modified] of [
  ['reads', readers, false],
  ['writes', writers, true],
] as const) {
  for (const [name, call] of list) {
    test(`${name} ${kind}, and not before the session is loaded`, async () => {
      const session = await stored({ a: 1 })
      assert.throws(
        () => call(session),
        (error: unknown) => error instanceof SessionNotLoadedError && error.code === 'COATCHECK_NOT_LOADED',
      )
      assert.equal([session.isLoaded, session.accessed, session.modified], [false, false, false])
      await session.load()
      assert.equal([session.isLoaded, session.accessed, session.modified], [true, false, false])
      call(session)
      assert.equal([session.accessed, session.modified], [true, modified])
    })
  }
}

test('what looks at no value leaves the session untouched, loaded or not', async () => {
  const session = await stored({ a: 1 })
  for (let round = 0; round < 2; round++) {
    assert.is(session.isEmpty, false)
    assert.is(await session.exists(), true)
    assert.is(session.getExpiryAge({ expiry: 5 }), 5)
    assert.is(session.getExpiryAge({ expiry: null }), 1_209_600)
    assert.equal(session.getExpiryDate({ expiry: new Date(0) }), new Date(0))
    assert.is(session.accessed, false)
    await session.load()
  }
  assert.is(await session.touch(), true)
  assert.is(session.accessed, false)
})

test('clear needs no values to clear them', async () => {
  const session = await stored({ a: 1 })
  session.clear()
  assert.equal([session.isLoaded, session.accessed, session.modified, session.size], [true, true, true, 0])
  await session.save()
  assert.is((await new Session({ engine, key: session.key }).load()).size, 0)
})

test('a session is empty while it has neither key nor values', async () => {
  const session = new Session({ engine })
  assert.is(session.isEmpty, true)
  assert.is(session.accessed, false)
  session.set('a', 1)
  assert.is(session.isEmpty, false)
  session.delete('a')
  assert.is(session.isEmpty, true)
  await session.save()
  assert.is(session.isEmpty, false)
})

test('modified can be set, for changes inside a value', async () => {
  const session = await (await stored({ list: [1] })).load()
  ;(session.get('list') as number[]).push(2)
  assert.is(session.modified, false)
  session.modified = true
  assert.is(session.modified, true)
})

test('the test cookie', async () => {
  const first = new Session({ engine })
  assert.is(first.testCookieWorked(), false)
  first.setTestCookie()
  await first.save()
  const second = await new Session({ engine, key: first.key }).load()
  assert.is(second.get('testcookie'), 'worked', 'as Django stores it')
  assert.is(second.testCookieWorked(), true)
  assert.is(second.deleteTestCookie(), true)
  assert.is(second.testCookieWorked(), false)
  assert.is(second.deleteTestCookie(), false)
})

test('a name is a string, and update takes an object', () => {
  const session = new Session<Record<never, never>>({ engine })
  assert.throws(() => Reflect.apply(session.set, session, [Symbol('a'), 1]), TypeError)
  assert.throws(() => Reflect.apply(session.setDefault, session, [1, 1]), TypeError)
  assert.throws(() => Reflect.apply(session.update, session, [null]), TypeError)
  assert.is(session.modified, false)
})

const AWKWARD = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '\0names',
  '__proto_',
  '0',
]
const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(), { noNullPrototype: true }),
)

test('whatever their names, values come back, and no prototype is changed', async () => {
  const names = fc.oneof(fc.constantFrom(...AWKWARD), fc.string())
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, value)), async (pairs) => {
      const expected = new Map<string, unknown>(pairs)
      for (const some of engines) {
        const session = new Session({ engine: some })
        for (const [name, mine] of pairs) session.set(name, mine)
        await session.save()
        for (const seen of [session, await new Session({ engine: some, key: session.key }).load()]) {
          assert.is(seen.size, expected.size)
          for (const [name, mine] of expected) assert.equal(seen.get(name), mine)
          for (const name of AWKWARD) assert.is(seen.has(name), expected.has(name))
        }
      }
    }),
    { numRuns: 60 },
  )
  assert.is(Object.keys(Object.prototype).length, 0)
})

test('a session does what a Map does', () => {
  const names = fc.constantFrom('a', 'b', '__proto__', 'constructor')
  const step = fc.oneof(
    fc.record({
      method: fc.constantFrom('set', 'setDefault', 'update', 'pop') as fc.Arbitrary<string>,
      name: names,
      value,
    }),
    fc.record({
      method: fc.constantFrom('delete', 'has', 'get') as fc.Arbitrary<string>,
      name: names,
      value: fc.constant(null),
    }),
    fc.record({ method: fc.constant('clear'), name: names, value: fc.constant(null) }),
  )
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const session = new Session({ engine })
      const model = new Map<string, unknown>()
      for (const { method, name, value: mine } of steps) {
        const before = model.get(name)
        switch (method) {
          case 'set':
            assert.is(session.set(name, mine), session)
            model.set(name, mine)
            break
          case 'setDefault':
            if (!model.has(name)) model.set(name, mine)
            assert.is(session.setDefault(name, mine), model.get(name))
            break
          case 'update':
            session.update(Object.fromEntries([[name, mine]]))
            model.set(name, mine)
            break
          case 'pop':
            assert.is(session.pop(name, 'none'), model.has(name) ? before : 'none')
            model.delete(name)
            break
          case 'delete':
            assert.is(session.delete(name), model.delete(name))
            break
          case 'has':
            assert.is(session.has(name), model.has(name))
            break
          case 'get':
            assert.is(session.get(name, 'none'), model.has(name) ? before : 'none')
            break
          default:
            session.clear()
            model.clear()
        }
        assert.is(session.size, model.size)
        assert.equal(new Map(session), model)
        assert.equal([...session.keys()].sort(), [...model.keys()].sort())
        assert.is([...session.values()].length, model.size)
      }
    }),
  )
})

test('neither key nor values can be seen in a log', async () => {
  const session = await (await stored({ secret: 'swordfish' })).load()
  const shown = inspect(session, { depth: 9, showHidden: true }) + JSON.stringify(session)
  assert.is(shown.includes('swordfish'), false)
  assert.is(shown.includes(session.key ?? ''), false)
  const error = await new Session({ engine, key: UNKNOWN }).load().then((loaded) => loaded.size)
  assert.is(error, 0)
})

test('wrong options are refused by name; a wrong key is none', () => {
  for (const [options, message] of [
    [{}, /option "engine" is undefined/],
    [{ engine: {} }, /option "engine"/],
    [
      { engine, conflict: 'first-wins' },
      /option "conflict" is 'first-wins'; expected 'last-wins' or 'merge' or 'reject'/,
    ],
    [{ engine, maxAge: 0 }, /option "maxAge" is 0; expected a number of seconds/],
    [{ engine, expireAtBrowserClose: 1 }, /option "expireAtBrowserClose" is 1/],
    [{ engine, cookie: {} }, /option "cookie"/],
  ] as const) {
    assert.throws(
      () => Reflect.construct(Session, [options]),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    )
  }
  for (const key of [
    undefined,
    null,
    12345678,
    {},
    [UNKNOWN],
    'A'.repeat(32),
    'a'.repeat(257),
    'aaaaaaaa\n',
    'aaaa.aaaa',
    'ä'.repeat(32),
  ]) {
    const session: Session = Reflect.construct(Session, [{ engine, key }])
    assert.equal([session.key, session.isLoaded], [undefined, true])
  }
  assert.is(new Session({ engine, key: 'a'.repeat(256) }).key, 'a'.repeat(256))
})

test.run()
