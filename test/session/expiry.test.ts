import { json, SessionEngine } from 'coatcheck'
import { Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

type Expiry = Parameters<SessionEngine['touch']>[1]

/** Notes the expiry of each write. */
class WatchedEngine extends SessionEngine<object> {
  last: Expiry

  override create(...[key, data, expiry]: Parameters<SessionEngine<object>['create']>): Promise<void> {
    this.last = expiry
    return super.create(key, data, expiry)
  }

  override update(...[key, data, expiry]: Parameters<SessionEngine<object>['update']>): Promise<void> {
    this.last = expiry
    return super.update(key, data, expiry)
  }

  override touch(...[key, expiry]: Parameters<SessionEngine<object>['touch']>): Promise<boolean> {
    this.last = expiry
    return super.touch(key, expiry)
  }
}

const test = suite('session: expiry')
const engine = new WatchedEngine({ directory: temporaryDirectory('memory'), codec: json(), threads: 1 })
test.after(() => engine.close())

const moment = new Date('2100-01-02T03:04:05.678Z')

test('it is kept in the session as Django keeps it', () => {
  const session = new Session({ engine })
  session.setExpiry(90)
  assert.is(session.get('_session_expiry'), 90)
  session.setExpiry(moment)
  assert.is(session.get('_session_expiry'), '2100-01-02T03:04:05.678+00:00')
  session.setExpiry(null)
  assert.is(session.has('_session_expiry'), false)
})

test('every write tells the engine, and so does touch', async () => {
  const session = new Session({ engine, maxAge: 100 })
  const told = async (): Promise<readonly Expiry[]> => {
    await session.save()
    const saved = engine.last
    assert.is(await session.touch(), true)
    return [saved, engine.last]
  }
  assert.equal(await told(), [{ maxAge: 100 }, { maxAge: 100 }])
  session.setExpiry(5000)
  assert.equal(await told(), [{ maxAge: 5000 }, { maxAge: 5000 }])
  session.setExpiry(moment)
  assert.equal(await told(), [{ expires: moment }, { expires: moment }])
  session.setExpiry(0)
  assert.equal(await told(), [{ maxAge: 100 }, { maxAge: 100 }])
  session.setExpiry(null)
  assert.equal(await told(), [{ maxAge: 100 }, { maxAge: 100 }])
})

test('touch needs no load before, and finds the expiry in the session', async () => {
  const first = new Session({ engine })
  first.setExpiry(5000)
  await first.save()
  engine.last = undefined
  assert.is(await new Session({ engine, key: first.key }).touch(), true)
  assert.equal(engine.last, { maxAge: 5000 })
  assert.is(await new Session({ engine }).touch(), false)
  const unknown = new Session({ engine, key: 'unknownkey' })
  assert.is(await unknown.touch(), false)
  assert.is(unknown.key, undefined)
  await first.destroy()
  assert.is(await first.touch(), false)
})

test('a duration is the sum of its parts, and getters count, as the objects of libraries have them', () => {
  const duration = new (class {
    get minutes(): number {
      return 1
    }
    get years(): number {
      return 0
    }
  })()
  for (const [expiry, milliseconds] of [
    [{ weeks: 1, days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 }, 694_861_001],
    [{ minutes: -1.5 }, -90_000],
    [duration, 60_000],
  ] as const) {
    const session = new Session({ engine })
    const before = Date.now()
    session.setExpiry(expiry)
    const at = session.getExpiryDate().getTime() - milliseconds
    assert.ok(at >= before && at <= Date.now())
  }
})

test('what can be no expiry is refused, and nothing is changed', () => {
  const session = new Session({ engine })
  session.setExpiry(7)
  session.modified = false
  const wrong = [Number.NaN, Infinity, new Date(Number.NaN), {}, { minutes: '5' }, { minutes: 1, months: 1 }]
  for (const expiry of [...wrong, 'tomorrow', undefined, true, { days: 1e12 }]) {
    assert.throws(() => Reflect.apply(session.setExpiry, session, [expiry]), TypeError)
  }
  assert.throws(() => session.getExpiryAge({ modification: new Date(Number.NaN) }), TypeError)
  assert.equal([session.get('_session_expiry'), session.modified], [7, false])
})

test('ages are whole seconds, counted from the modification', () => {
  const session = new Session({ engine, maxAge: 60 })
  const modification = new Date(1_000_000)
  const age = (expiry: number | Date | string | null): number =>
    session.getExpiryAge({ modification, expiry })
  assert.is(age(new Date(1_010_999)), 10)
  assert.is(age(new Date(989_999)), -11)
  assert.is(age('1970-01-01T00:16:50+00:00'), 10)
  assert.is(age('1970-01-01T02:16:50.123456+02:00'), 10)
  assert.is(age(-5), -5)
  assert.is(age(0), 60)
  assert.is(age(null), 60)
  const date = (expiry: number | Date | null): number =>
    session.getExpiryDate({ modification, expiry }).getTime()
  assert.is(date(5), 1_005_000)
  assert.is(date(null), 1_060_000)
  assert.is(date(new Date(7)), 7)
})

test('an expiry in the session that makes no sense is none', async () => {
  for (const nonsense of ['soon', Number.NaN, {}, [], true, null]) {
    const session = new Session<Record<string, unknown>>({ engine, maxAge: 60 })
    session.set('_session_expiry', nonsense)
    assert.is(session.getExpiryAge(), 60)
    await session.save()
    assert.equal(engine.last, { maxAge: 60 })
  }
})

test.run()
