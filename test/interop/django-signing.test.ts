import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Signing } from '#dist/workers/files/django/signing.js'
import { skipWhere } from '../skip.js'
import { DjangoProcess, missingDjango } from './django-process.js'

/*
 * The signed text, compared with Django's own.
 */

const SALT = 'django.contrib.sessions.SessionStore'
const SECRET = 'a secret, ⚿ and not of ASCII alone'
const withDjango = skipWhere(missingDjango)
const test = suite<{ django: DjangoProcess }>('django: signed text')

test.before(async (context) => {
  if (missingDjango !== undefined) return
  context.django = await DjangoProcess.start()
  await context.django.ask('configure', { SECRET_KEY: SECRET })
})
test.after(async ({ django }) => {
  await django?.stop()
})

const signing = new Signing({ secrets: [SECRET], salt: SALT })

function sign(session: object): string {
  const json = JSON.stringify(session).replace(/[^ -~]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return signing.sign(Buffer.from(json, 'latin1'), Date.now()).toString('latin1')
}

function unsign(text: string, some = signing): unknown {
  const unsigned = some.unsign(Buffer.from(text, 'latin1'), 2 ** 20)
  return typeof unsigned === 'string' ? unsigned : JSON.parse(unsigned.json.toString('latin1'))
}

const SESSIONS: readonly object[] = [
  {},
  { a: 1 },
  { _auth_user_id: '17', _auth_user_backend: 'django.contrib.auth.backends.ModelBackend' },
  { text: 'häßlich 👜 \ud800 \0 "\\' },
  { large: 'compressible '.repeat(20_000) },
]

withDjango(test, 'either reads what the other has written', async ({ django }) => {
  for (const session of SESSIONS) {
    assert.equal(await django.ask('loads', { text: sign(session) }), session)
    assert.equal(unsign(await django.ask('dumps', { session })), session)
  }
  const sessions = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }), {
    noNullPrototype: true,
  })
  await fc.assert(
    fc.asyncProperty(sessions, async (session) => {
      const plain = JSON.parse(JSON.stringify(session)) as object
      assert.equal(await django.ask('loads', { text: sign(plain) }), plain)
      assert.equal(unsign(await django.ask('dumps', { session: plain })), plain)
    }),
    { numRuns: 100 },
  )
})

withDjango(
  test,
  'another secret or salt, and whatever else was signed, is refused by both',
  async ({ django }) => {
    const text = sign({ a: 1 })
    for (const [secrets, salt] of [
      [['another'], SALT],
      [[SECRET], 'another'],
    ] as const) {
      const stranger = new Signing({ secrets, salt })
      assert.is(unsign(text, stranger), 'signature does not match')
      const foreign = stranger.sign(Buffer.from('{"a":1}'), Date.now()).toString('latin1')
      assert.equal(await django.ask('loads', { text: foreign }), {})
    }
  },
)

withDjango(test, 'older secrets are good for reading', async ({ django }) => {
  const older = await django.ask<string>('dumps', { session: { a: 1 } })
  const rotated = new Signing({ secrets: ['new', SECRET], salt: SALT })
  assert.equal(unsign(older, rotated), { a: 1 })
  const newer = rotated.sign(Buffer.from('{"a":2}'), Date.now()).toString('latin1')
  assert.equal(unsign(newer, new Signing({ secrets: ['new'], salt: SALT })), { a: 2 })
  if (!django.isAtLeast(4, 1)) return
  await django.ask('configure', { SECRET_KEY: 'new', SECRET_KEY_FALLBACKS: [SECRET] })
  assert.equal(await django.ask('loads', { text: older }), { a: 1 })
  await django.ask('configure', { SECRET_KEY: SECRET, SECRET_KEY_FALLBACKS: [] })
})

test.run()
