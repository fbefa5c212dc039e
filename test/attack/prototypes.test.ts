import { files, json, msgpack, SessionEngine } from 'coatcheck'
import { django } from 'coatcheck/django'
import { Session } from 'coatcheck/session'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/*
 * `__proto__`, `constructor` and `prototype` are names like any other: what is stored under them pollutes nothing, is no
 * prototype of anything, and is there when it is read, or is told to be no session.
 */

const CODECS = {
  msgpack: msgpack(),
  json: json(),
  django: django({ secretKey: 'secret' }),
}

/** As `JSON.parse` of a request's body makes it: an own property `__proto__`. */
const HOSTILE =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"prototype":{"polluted":3},' +
  '"inner":{"__proto__":{"polluted":4},"list":[{"__proto__":{"polluted":5}}]},"plain":6}'

const hostile = (): Record<string, unknown> => JSON.parse(HOSTILE) as Record<string, unknown>

function nothingIsPolluted(): void {
  assert.is(Reflect.get({}, 'polluted'), undefined)
  assert.is(Reflect.get([], 'polluted'), undefined)
  assert.is(
    Reflect.get(() => undefined, 'polluted'),
    undefined,
  )
}

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  assert.ok([Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value)), 'a prototype was set')
  return Object.keys(value).flatMap((name) => [
    name,
    ...namesIn(Object.entries(value).find(([own]) => own === name)?.[1]),
  ])
}

for (const [name, codec] of Object.entries(CODECS)) {
  test(`${name}: hostile names are values, and set no prototype`, async () => {
    const engine = new SessionEngine<object>({
      storage: files({ directory: temporaryDirectory(), layout: 'flat', prefix: 'sessionid' }),
      codec,
      threads: 1,
      sweepInterval: false,
    })
    try {
      await engine.save('key', hostile())
      const session = await engine.load('key')
      nothingIsPolluted()
      assert.ok(session !== undefined)
      const names = namesIn(session)
      assert.ok(names.includes('constructor') && names.includes('prototype') && names.includes('plain'))
      // By its own name, or by the one that the codec has for it: it is not lost without a word.
      assert.is(names.filter((own) => own.startsWith('__proto_')).length, 3)
      assert.is(Reflect.get(session, 'polluted'), undefined)

      for (const conflict of ['last-wins', 'merge', 'reject'] as const) {
        const options = { engine: engine as SessionEngine, conflict }
        const one = new Session(options)
        for (const [own, value] of Object.entries(hostile())) one.set(own, value)
        await one.save()
        const two = await new Session({ ...options, key: one.key ?? '' }).load()
        assert.equal(two.get('__proto__'), { polluted: 1 }, conflict)
        assert.equal(two.get('constructor'), { prototype: { polluted: 2 } })
        two.set('__proto__', { polluted: 7 })
        await two.save()
        // Has loaded before, and so has something to merge, or is refused.
        one.set('constructor', { polluted: 8 })
        await one.save().catch((error: { code?: string }) => assert.is(error.code, 'COATCHECK_CONFLICT'))
        const three = await new Session({ ...options, key: one.key ?? '' }).load()
        assert.is(three.has('polluted'), false)
        if (conflict === 'merge') {
          assert.equal(three.get('__proto__'), { polluted: 7 })
          assert.equal(three.get('constructor'), { polluted: 8 })
        }
        nothingIsPolluted()
      }
    } finally {
      await engine.close()
    }
  })
}

test.run()
