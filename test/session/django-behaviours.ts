import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { UpdateError } from 'coatcheck'
import { MissingNameError, Session, type SessionOptions } from 'coatcheck/session'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { type EngineSubject, fileOf } from './engines.js'

/*
 * What Django expects of every session backend, one test for each of its own, in our words. Where Django's tests put
 * the flags back in the middle, these begin with a session of the next request, whose flags are down.
 */

const TWO_WEEKS = 1_209_600

/** Registers the tests, with sessions of one engine. */
export function registerDjangoBehaviours(test: Test, subject: EngineSubject): void {
  const make = (options: Omit<SessionOptions, 'engine'> = {}): Session =>
    new Session({ engine: subject.engine, ...options })

  /** The session of the next request, with these values stored. */
  const next = async (values: Record<string, unknown>): Promise<Session> => {
    const first = make()
    first.update(values)
    await first.save()
    return make({ key: first.key }).load()
  }
  const flags = ({ accessed, modified }: Session): object => ({ accessed, modified })
  const READ = { accessed: true, modified: false }
  const CHANGED = { accessed: true, modified: true }

  test('a new session is neither accessed nor modified', () => {
    assert.equal(flags(make()), { accessed: false, modified: false })
  })

  test('an unknown name is undefined', () => {
    assert.is(make().get('cat'), undefined)
  })

  test('setting a value modifies the session', () => {
    const session = make()
    session.set('cat', 'dog')
    assert.is(session.modified, true)
    assert.is(session.pop('cat'), 'dog')
  })

  test('pop removes and returns, and modifies', async () => {
    const session = await next({ 'some key': 'exists' })
    assert.is(session.pop('some key'), 'exists')
    assert.equal(flags(session), CHANGED)
    assert.is(session.get('some key'), undefined)
  })

  test('pop of an unknown name returns what it was given instead, and modifies nothing', () => {
    const session = make()
    assert.is(session.pop('some key', 'does not exist'), 'does not exist')
    assert.equal(flags(session), READ)
  })

  test('what pop is given instead may be undefined, as long as it is given', () => {
    const session = make()
    assert.is(session.pop('some key', undefined), undefined)
    assert.equal(flags(session), READ)
  })

  test('pop of an unknown name, with nothing instead, throws', () => {
    assert.throws(
      () => make().pop('some key'),
      (error: unknown) => error instanceof MissingNameError && error.code === 'COATCHECK_NO_SUCH_NAME',
    )
  })

  test('setDefault sets what is missing, and leaves what is there', () => {
    const session = make()
    assert.is(session.setDefault('foo', 'bar'), 'bar')
    assert.is(session.setDefault('foo', 'baz'), 'bar')
    assert.equal(flags(session), CHANGED)
  })

  test('update sets several values', () => {
    const session = make()
    session.update({ 'update key': 1 })
    assert.equal(flags(session), CHANGED)
    assert.is(session.get('update key'), 1)
  })

  test('has only reads', async () => {
    const session = await next({ 'some key': 1 })
    assert.is(session.has('some key'), true)
    assert.equal(flags(session), READ)
  })

  test('values only reads', async () => {
    assert.equal([...make().values()], [])
    const session = await next({ 'some key': 1 })
    assert.equal([...session.values()], [1])
    assert.equal(flags(session), READ)
  })

  test('keys only reads', async () => {
    const session = await next({ x: 1 })
    assert.equal([...session.keys()], ['x'])
    assert.equal(flags(session), READ)
  })

  test('entries only reads', async () => {
    const session = await next({ x: 1 })
    assert.equal([...session.entries()], [['x', 1]])
    assert.equal(flags(session), READ)
  })

  test('clear removes all values', async () => {
    const session = await next({ x: 1 })
    assert.equal([...session.entries()], [['x', 1]])
    session.clear()
    assert.equal([...session.entries()], [])
    assert.equal(flags(session), CHANGED)
  })

  test('a saved session exists', async () => {
    const session = make()
    await session.save()
    assert.is(await session.exists(session.key), true)
  })

  test('a destroyed session does not exist', async () => {
    const session = make()
    await session.save()
    await session.destroy(session.key)
    assert.is(await session.exists(session.key), false)
  })

  test('flush deletes the session and its key', async () => {
    const session = make()
    session.set('foo', 'bar')
    await session.save()
    const former = session.key
    assert.type(former, 'string')
    await session.flush()
    assert.is(await session.exists(former), false)
    assert.is(session.key, undefined)
    assert.equal(flags(session), CHANGED)
  })

  test('cycleKey keeps the values and gives up the key', async () => {
    const session = make()
    session.set('a', 'c').set('b', 'd')
    await session.save()
    const former = session.key
    const before = [...session.entries()]
    await session.cycleKey()
    assert.is(await session.exists(former), false)
    assert.is.not(session.key, former)
    assert.equal([...session.entries()], before)
  })

  test('cycleKey of a session that is not loaded yet loads it', async () => {
    const first = make()
    first.set('a', 'c').set('b', 'd')
    await first.save()
    const second = make({ key: first.key })
    assert.is(second.isLoaded, false)
    await second.cycleKey()
    assert.equal(Object.fromEntries(second.entries()), { a: 'c', b: 'd' })
  })

  test('saving leaves the values in hand', async () => {
    const session = make()
    session.set('a', 'b')
    await session.save()
    assert.is(session.get('a'), 'b')
  })

  test('a key that can be none is replaced by a new one', async () => {
    const session = make({ key: '1' })
    await session.save()
    assert.is.not(session.key, '1')
    assert.match(session.key ?? '', /^[a-z0-9]{32}$/)
    assert.is(session.get('cat'), undefined)
    await session.destroy()
    await session.destroy('1')
  })

  test('an empty key is none', () => {
    assert.is(make({ key: '' }).key, undefined)
  })

  test('a key shorter than 8 characters is none', () => {
    assert.is(make({ key: '1234567' }).key, undefined)
  })

  test('a key of 8 characters can be one', () => {
    assert.is(make({ key: '12345678' }).key, '12345678')
  })

  test('the key is read-only', () => {
    const session = make()
    assert.throws(() => Object.assign(session, { key: 'aaaaaaaabbbbbbbb' }), TypeError)
    assert.is(session.key, undefined)
  })

  test('by default, and with 0, the age is that of the settings', () => {
    const session = make()
    assert.is(session.getExpiryAge(), TWO_WEEKS)
    session.setExpiry(0)
    assert.is(session.getExpiryAge(), TWO_WEEKS)
  })

  test('an expiry in seconds', () => {
    const session = make()
    const modification = new Date()
    session.setExpiry(10)
    assert.is(session.getExpiryDate({ modification }).getTime(), modification.getTime() + 10_000)
    assert.is(session.getExpiryAge({ modification }), 10)
  })

  test('an expiry as a duration', () => {
    const session = make()
    const before = Date.now()
    session.setExpiry({ seconds: 10 })
    const after = Date.now()
    const date = session.getExpiryDate().getTime()
    assert.ok(date >= before + 10_000 && date <= after + 10_000)
    const modification = new Date(date - 10_000)
    assert.is(session.getExpiryAge({ modification }), 10)
  })

  test('an expiry at a moment', () => {
    const session = make()
    const modification = new Date()
    session.setExpiry(new Date(modification.getTime() + 10_000))
    assert.is(session.getExpiryDate({ modification }).getTime(), modification.getTime() + 10_000)
    assert.is(session.getExpiryAge({ modification }), 10)
  })

  test('an expiry that is taken back', () => {
    const session = make()
    session.setExpiry(null)
    session.setExpiry(10)
    session.setExpiry(null)
    assert.is(session.getExpiryAge(), TWO_WEEKS)
  })

  test('whether the session ends with the browser, by setting and by default', () => {
    for (const expireAtBrowserClose of [false, true]) {
      const session = make({ expireAtBrowserClose })
      session.setExpiry(10)
      assert.is(session.expiresAtBrowserClose, false)
      session.setExpiry(0)
      assert.is(session.expiresAtBrowserClose, true)
      session.setExpiry(null)
      assert.is(session.expiresAtBrowserClose, expireAtBrowserClose)
    }
  })

  test('what is stored is read back', async () => {
    const session = await next({ 'a test key': 'a test value' })
    assert.equal(Object.fromEntries(session.entries()), { 'a test key': 'a test value' })
  })

  test('what cannot be read is an empty session, and is told of', async () => {
    const session = await next({ a: 1 })
    writeFileSync(await fileOf(subject, session.key ?? ''), 'flaskdj:alkdjf')
    const told = once(subject.engine, 'corrupt')
    const damaged = await make({ key: session.key }).load()
    assert.is(damaged.size, 0)
    await told
  })

  test('a session that expires in the past is gone at once', async () => {
    const session = make()
    session.set('foo', 'bar')
    session.setExpiry({ seconds: -10 })
    await session.save()
    const later = await make({ key: session.key }).load()
    assert.is(later.has('foo'), false)
  })

  test('loading an unknown key creates nothing', async () => {
    const before = await subject.engine.count()
    const session = await make({ key: 'someunknownkey' }).load()
    assert.is(session.key, undefined)
    assert.is(await session.exists('someunknownkey'), false)
    assert.is(await subject.engine.count(), before)
  })

  test('saving does not bring back a session that was logged out elsewhere', async () => {
    const here = make()
    here.set('test_data', 'value1')
    await here.save({ mustCreate: true })
    await make({ key: here.key }).destroy()
    here.set('test_data', 'value2')
    await rejection(here.save(), UpdateError)
    assert.is((await make({ key: here.key }).load()).size, 0)
  })
}
