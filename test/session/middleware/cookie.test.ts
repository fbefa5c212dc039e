import type { IncomingMessage } from 'node:http'
import { SessionEngine } from 'coatcheck'
import { type SessionCookieOptions, type SessionsOptions, sessions } from 'coatcheck/session'
import { sign } from 'cookie-signature'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fillCookieOptions } from '../../../src/session/middleware/cookie-options.js'
import { signedValues, UNSIGNED } from '../../../src/session/middleware/cookie-values.js'
import { SessionCookie } from '../../../src/session/middleware/session-cookie.js'
import { TouchTimes } from '../../../src/session/middleware/touch-times.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'

const test = suite('middleware: cookies and options')
const KEY = 'abcdefgh01234567'
const unsigned = new SessionCookie(fillCookieOptions(), UNSIGNED)
const signed = new SessionCookie(fillCookieOptions(), signedValues(['new', 'old']))

/** A request, as far as a cookie is concerned. */
function request(cookie: string | undefined): IncomingMessage {
  return { headers: { cookie } } as unknown as IncomingMessage
}

const NONE = { sent: false, key: undefined }
const NO_KEY = { sent: true, key: undefined }
const FOUND = { sent: true, key: KEY }

const RECEIVED: readonly (readonly [string, string | undefined, object])[] = [
  ['no header', undefined, NONE],
  ['an empty header', '', NONE],
  ['other cookies', 'a=b; xsessionid=abcdefgh; sessionidx=abcdefgh; b=sessionid', NONE],
  ['the cookie alone', `sessionid=${KEY}`, FOUND],
  ['the cookie among others', `a=b;c=d;  sessionid = ${KEY} ; e=f`, FOUND],
  ['a percent-encoded key', `sessionid=${KEY.replace('a', '%61')}`, FOUND],
  ['an empty value', 'sessionid=', NO_KEY],
  ['a short key', 'sessionid=abcdefg', NO_KEY],
  ['capitals', 'sessionid=ABCDEFGH', NO_KEY],
  ['a path', 'sessionid=../../../etc/passwd', NO_KEY],
  ['a broken escape', 'sessionid=%E0%A4%A', NO_KEY],
  ['a null byte', 'sessionid=abcdefgh%00', NO_KEY],
  ['a line break', 'sessionid=abcdefgh%0d%0aset-cookie', NO_KEY],
  ['the longest key', `sessionid=${'a'.repeat(256)}`, { sent: true, key: 'a'.repeat(256) }],
  ['a longer one', `sessionid=${'a'.repeat(257)}`, NO_KEY],
  ['a very long one', `sessionid=${'a'.repeat(15_000)}`, NO_KEY],
  ['a header that is too long', `sessionid=${KEY}; a=${'a'.repeat(17_000)}`, NONE],
  ['two keys', `sessionid=${KEY}; sessionid=zyxwvuts`, FOUND],
  ['one that is none before one that is', `sessionid=nokey; sessionid=${KEY}; sessionid=zyxwvuts`, FOUND],
  ['the name of a property', '__proto__=abcdefgh; constructor=abcdefgh', NONE],
]

for (const [title, header, expected] of RECEIVED) {
  test(`reading ${title}`, () => assert.equal(unsigned.read(request(header)), expected))
}

const SIGNED: readonly (readonly [string, string, object])[] = [
  ['with the first secret', sign(KEY, 'new'), FOUND],
  ['with an older one', sign(KEY, 'old'), FOUND],
  ['with another', sign(KEY, 'other'), NO_KEY],
  ['not at all', KEY, NO_KEY],
  ['for another key', sign(KEY, 'new').replace('abc', 'abd'), NO_KEY],
  ['and cut short', sign(KEY, 'new').slice(0, -1), NO_KEY],
  ['what is no key', sign('NOKEY', 'new'), NO_KEY],
  ['and followed by something', `${sign(KEY, 'new')}=`, NO_KEY],
]

for (const [title, value, expected] of SIGNED) {
  test(`a key signed ${title}`, () => {
    assert.equal(signed.read(request(`sessionid=${encodeURIComponent(value)}`)), expected)
    assert.equal(signed.read(request(`sessionid=${value}`)), expected, 'and not encoded')
  })
}

test('whatever comes is no exception, and no key that was not signed', () => {
  const parts = fc.array(
    fc.oneof(fc.string(), fc.constantFrom('sessionid', '=', ';', ' ', '%', '.', KEY, '__proto__')),
  )
  fc.assert(
    fc.property(parts, (header) => {
      assert.is(signed.read(request(header.join(''))).key, undefined)
      const { key } = unsigned.read(request(header.join('')))
      assert.ok(key === undefined || /^[a-z0-9]{8,256}$/.test(key))
    }),
  )
})

test('names with signs in them are found', () => {
  const name = "a.b*c^d'$|"
  const cookie = new SessionCookie(fillCookieOptions({ name }), UNSIGNED)
  assert.equal(cookie.read(request(`${name}=${KEY}`)), FOUND)
  assert.equal(cookie.read(request(`axb*c^d'$|=${KEY}`)), NONE)
})

const REFUSED: readonly (readonly [SessionCookieOptions, RegExp])[] = [
  [{ name: '' }, /"cookie.name" is ''; expected the name of a cookie/],
  [{ name: 'a b' }, /cookie.name/],
  [{ name: 'a=b' }, /cookie.name/],
  [{ name: 'é' }, /cookie.name/],
  [{ domain: 'example.org; Path=/' }, /cookie.domain/],
  [{ domain: '' }, /cookie.domain/],
  [{ path: 'no/slash' }, /"cookie.path" is 'no\/slash'; expected a path that begins with \//],
  [{ path: '/a;b' }, /cookie.path/],
  [{ path: '/a\r\nb' }, /cookie.path/],
  [{ secure: 'yes' as 'auto' }, /"cookie.secure" is 'yes'; expected true or false or 'auto'/],
  [{ httpOnly: 1 as unknown as boolean }, /cookie.httpOnly/],
  [{ sameSite: 'Lax' as 'lax' }, /"cookie.sameSite" is 'Lax'; expected 'lax' or 'strict' or 'none' or false/],
  [{ sameSite: 'none' }, /"cookie.secure" is false; expected true, since cookie.sameSite is 'none'/],
  [{ sameSite: 'none', secure: 'auto' }, /"cookie.secure" is 'auto'; expected true/],
  [{ partitioned: true }, /since cookie.partitioned is true/],
  [{ name: '__Secure-id' }, /expected true, since cookie.name is '__Secure-id'/],
  [{ name: '__Host-id' }, /expected true, since cookie.name is '__Host-id'/],
  [{ name: '__Host-id', secure: true, domain: 'example.org' }, /"cookie.domain" .* to be absent/],
  [{ name: '__Host-id', secure: true, path: '/shop' }, /"cookie.path" is '\/shop'; expected '\/'/],
  [{ maxAge: 5 } as SessionCookieOptions, /"cookie.maxAge" is 5; expected one of name, domain/],
  [5 as SessionCookieOptions, /"cookie" is 5/],
]

for (const [options, message] of REFUSED) {
  test(`the cookie options ${JSON.stringify(options)} are refused`, () => {
    assert.throws(
      () => fillCookieOptions(options),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    )
  })
}

test('combinations that browsers take are taken', () => {
  fillCookieOptions({ name: '__Host-id', secure: true, path: '/', sameSite: 'none', partitioned: true })
  fillCookieOptions({ name: '__Secure-id', secure: true, domain: 'example.org', path: '/shop' })
  fillCookieOptions({ secure: 'auto', sameSite: false })
})

test('the other options are checked when the middleware is made', () => {
  const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory') })
  const refused = (options: object, message: RegExp): void => {
    assert.throws(
      () => sessions({ engine, ...options }),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    )
  }
  refused({ engine: {} }, /"engine" is {}; expected a SessionEngine/)
  refused({ engine: undefined }, /"engine" is undefined/)
  refused({ conflict: 'mine' }, /"conflict" is 'mine'/)
  refused({ maxAge: 0 }, /"maxAge" is 0/)
  refused({ expireAtBrowserClose: 'yes' }, /"expireAtBrowserClose"/)
  refused({ saveEveryRequest: 1 }, /"saveEveryRequest" is 1; expected true or false/)
  refused({ touchAfter: 60 }, /"touchAfter" is 60; expected to be absent without saveEveryRequest: true/)
  refused({ touchAfter: -1, saveEveryRequest: true }, /"touchAfter" is -1/)
  refused({ load: 'never' }, /"load" is 'never'; expected 'eager' or 'lazy'/)
  refused({ onError: 'next' }, /"onError" is 'next'; expected a function/)
  refused({ resave: true }, /"resave" is true; expected one of engine/)
  refused({ key: 'abcdefgh' }, /"key" is a text; expected one of/)
  for (const secret of ['', [], ['good', ''], 5, [5]])
    refused({ secret }, /^option "secret" is not what it should/)
  for (const secret of ['hush', ['hush', 'and older']] satisfies SessionsOptions['secret'][]) {
    sessions({ engine, secret })
  }
})

test('what was touched is due again when its time has passed', () => {
  const touches = new TouchTimes(2)
  assert.ok(touches.isDue('one', 0))
  touches.note('one', 60, 0)
  assert.not(touches.isDue('one', 59_999))
  assert.ok(touches.isDue('one', 60_000))
  assert.ok(touches.isDue('two', 0))
})

test('only so many touches are remembered: the last ones', () => {
  const touches = new TouchTimes(2)
  for (const key of ['one', 'two', 'one', 'three']) touches.note(key, 60, 0)
  assert.equal(
    ['one', 'two', 'three'].filter((key) => touches.isDue(key, 1)),
    ['two'],
  )
})

test.run()
