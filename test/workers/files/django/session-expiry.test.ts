import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parsePythonJson } from '#dist/workers/files/django/python-json.js'
import { expiryOf, fileTimeFor, NEVER, ownExpiry } from '#dist/workers/files/django/session-expiry.js'

const test = suite('django: when a session expires')

const RULE = { cookieAge: 1000, expireIdle: false }

function own(json: string): unknown {
  return ownExpiry(Buffer.from(json))
}

test('what a session says of its expiry', () => {
  for (const json of [
    '{}',
    '{"a":{"_session_expiry":5}}',
    '{"a":"\\"_session_expiry\\":5"}',
    '{"_session_expiry":null}',
    '{"_session_expiry":0}',
    '{"_session_expiry":false}',
    '{"_session_expiry":""}',
    '{"_session_expiry":"soon"}',
    '{"_session_expiry":[5]}',
    '["_session_expiry"]',
    '{"_session_expiry"',
    '',
  ]) {
    assert.is(own(json), undefined, json)
  }
  assert.equal(own('{"_session_expiry":5}'), { seconds: 5 })
  assert.equal(own('{"_session_expiry":-0.5}'), { seconds: -0.5 })
  assert.equal(own('{"_session_expiry":true}'), { seconds: 1 })
  assert.equal(own('{"b":NaN,"_session_expiry":Infinity}'), { seconds: Number.POSITIVE_INFINITY })
  const at = Date.UTC(2030, 0, 1, 12, 30, 15, 123)
  for (const text of ['2030-01-01T12:30:15.123456+00:00', '2030-01-01T14:30:15.123+02:00']) {
    assert.equal(own(`{"_session_expiry":"${text}"}`), { at })
  }
  assert.equal(own('{"_session_expiry":"2030-01-01T12:30:15"}'), {
    at: new Date(2030, 0, 1, 12, 30, 15).getTime(),
  })
})

test('when it expires, and which time its file gets', () => {
  assert.is(expiryOf(undefined, 5000, RULE), 6000)
  assert.is(expiryOf({ at: 7 }, 5000, RULE), 7)
  assert.is(expiryOf({ seconds: -1 }, 5000, RULE), 0)
  assert.is(expiryOf({ seconds: 3 }, 5000, RULE), NEVER)
  assert.is(expiryOf({ seconds: 3 }, 5000, { ...RULE, expireIdle: true }), 8000)
  assert.is(expiryOf({ seconds: Number.POSITIVE_INFINITY }, 5000, { ...RULE, expireIdle: true }), NEVER)
  assert.is(fileTimeFor(6000, undefined, RULE, 5500), 5000)
  assert.is(fileTimeFor(6000, { seconds: 3 }, RULE, 5500), 5500)
  assert.is(fileTimeFor(1, undefined, RULE, 5500), 0)
})

test('the JSON that only Python writes', () => {
  const parse = (json: string): unknown => parsePythonJson(Buffer.from(json, 'latin1'))
  assert.equal(parse('{"a":[NaN,Infinity,-Infinity],"NaN":"-Infinity \\" NaN"}'), {
    a: [null, Infinity, -Infinity],
    NaN: '-Infinity " NaN',
  })
  // One byte, one character: so does Django read it.
  assert.equal(parse('{"a":"\xe9"}'), { a: 'é' })
  for (const wrong of ['', '{', 'NaN}', '{a:Infinity}', '{"a":nan}']) {
    assert.throws(
      () => parse(wrong),
      (error: unknown) => error instanceof SyntaxError,
      wrong,
    )
  }
})

test.run()
