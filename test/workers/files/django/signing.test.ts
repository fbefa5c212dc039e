import { createHash, createHmac } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { longestSigned, Signing } from '#dist/workers/files/django/signing.js'

const SALT = 'django.contrib.sessions.SessionStore'
const signing = new Signing({ secrets: ['secret', 'older'], salt: SALT })
const NOW = Date.UTC(2026, 0, 1)

const test = suite('django: signing')

test('a text that Django 3.2 has made is read, and made again', () => {
  const json = Buffer.from('{"_auth_user_id":"17"}')
  const text = 'eyJfYXV0aF91c2VyX2lkIjoiMTcifQ:1vb66i:URalxt3xrnZkaLRUj5SfgRfyZAPw3cz48FVVPgBowBE'
  const unsigned = signing.unsign(Buffer.from(text), 100)
  assert.is(typeof unsigned === 'string' ? unsigned : unsigned.json.toString(), json.toString())
  assert.is(signing.sign(json, NOW).toString(), text)
})

/** By the words of Django's documentation. */
function signatureOf(value: string): string {
  const key = createHash('sha256').update(`${SALT}signer`).update('secret').digest()
  return createHmac('sha256', key).update(value).digest('base64url')
}

test('no byte can be changed, added or left out', () => {
  for (const text of [signing.sign(Buffer.from('{"a":1}'), NOW), signing.sign(Buffer.alloc(500, 'a'), NOW)]) {
    assert.not.type(signing.unsign(text, 1000), 'string')
    for (let at = 0; at < text.length; at++) {
      const changed = Buffer.from(text)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.type(signing.unsign(changed, 1000), 'string', `byte ${at} changed`)
      assert.type(signing.unsign(text.subarray(0, at), 1000), 'string', `${at} bytes`)
    }
    assert.type(signing.unsign(Buffer.concat([text, Buffer.from('\n')]), 1000), 'string')
  }
})

test('what is larger than a session may be is refused, packed or not', () => {
  const compressible = signing.sign(Buffer.alloc(10_000, ' '), NOW)
  assert.is(compressible[0], '.'.charCodeAt(0))
  assert.is(signing.unsign(compressible, 9_999), 'larger than any session')
  assert.not.type(signing.unsign(compressible, 10_000), 'string')
  const short = signing.sign(Buffer.from('{"a":1}'), NOW)
  assert.is(signing.unsign(short, 6), 'larger than any session')
  assert.not.type(signing.unsign(short, 7), 'string')
})

test('no session is longer on disk than is allowed for its size', () => {
  for (let length = 0; length < 100; length++) {
    const random = Buffer.from(Array.from({ length }, (_, index) => (index * 7919) & 0xff))
    assert.ok(signing.sign(random, 8.64e15).length <= longestSigned(length))
    assert.ok(signing.sign(Buffer.alloc(length), 8.64e15).length <= longestSigned(length))
  }
})

test('what is signed and none of it is told apart', () => {
  // Signed by a Signer without a timestamp, and a text whose dot promises what is not there.
  for (const [value, reason] of [
    ['eyJhIjoxfQ', 'signed without a timestamp'],
    ['.eyJhIjoxfQ:1vb7VM', 'cannot be decompressed'],
    [`.${deflateSync('{}').subarray(0, 5).toString('base64url')}:1vb7VM`, 'cannot be decompressed'],
  ] as const) {
    assert.is(signing.unsign(Buffer.from(`${value}:${signatureOf(value)}`), 1000), reason)
  }
  assert.is(signing.unsign(Buffer.from('eyJhIjoxfQ'), 1000), 'not signed')
  assert.is(signing.unsign(Buffer.alloc(0), 1000), 'not signed')
})

test('without a secret nothing is signed', () => {
  assert.throws(() => new Signing({ secrets: [], salt: 'salt' }), /no secret/)
})

test.run()
