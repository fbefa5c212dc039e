import { SessionEngine } from 'coatcheck'
import { type ConflictPolicy, Session, type SessionsOptions } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from '../../adapters/gate.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { type Handler, serving, Visitor, withSessions } from './web.js'

/*
 * Requests of one visitor that overlap.
 */

const KEY = 'abcdefgh01234567'
const REQUESTS = 64
const SAVES = 16
const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 2 })
const test = suite('middleware: overlapping requests')

test.before.each(async () => {
  await engine.clear()
  await engine.save(KEY, { user: 42 })
})
test.after(() => engine.close())

/** Lets nobody on before everybody is there. */
class Barrier {
  readonly #gate = new Gate()
  #missing: number

  constructor(parties: number) {
    this.#missing = parties
  }

  arrive(): Promise<void> {
    if (--this.#missing === 0) this.#gate.open()
    return this.#gate.opened
  }
}

function site(
  handler: Handler,
  body: (visit: (path: string) => ReturnType<Visitor['visit']>) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  return serving(withSessions({ engine, ...options }, handler), (url) =>
    body((path) => new Visitor(url, KEY).visit(path)),
  )
}

const paths = Array.from({ length: REQUESTS }, (_, index) => `/${index}`)

test(`conflict: 'merge': what ${REQUESTS} overlapping requests have set is all there`, () => {
  const barrier = new Barrier(REQUESTS)
  return site(
    async ({ session, url }, response) => {
      await barrier.arrive()
      session.set(`name ${url}`, url)
      response.end()
    },
    async (visit) => {
      const answers = await Promise.all(paths.map(visit))
      assert.equal(new Set(answers.map(({ status }) => status)), new Set([200]))
      const expected = Object.fromEntries(paths.map((path) => [`name ${path}`, path]))
      assert.equal(await engine.load(KEY), { user: 42, ...expected })
    },
    { conflict: 'merge' },
  )
})

test("conflict: 'reject': one of them is stored, the others are told", () => {
  const barrier = new Barrier(8)
  return site(
    async ({ session, url }, response) => {
      await barrier.arrive()
      session.set('winner', url)
      response.end(url)
    },
    async (visit) => {
      const answers = await Promise.all(paths.slice(0, 8).map(visit))
      const winners = answers.filter(({ status }) => status === 200)
      assert.is(winners.length, 1)
      assert.is(answers.filter(({ status }) => status === 409).length, 7)
      assert.equal(await engine.load(KEY), { user: 42, winner: winners[0]?.text })
    },
    { conflict: 'reject' },
  )
})

for (const conflict of ['last-wins', 'merge', 'reject'] satisfies ConflictPolicy[]) {
  test(`conflict: '${conflict}': a logout among saves stays a logout`, () => {
    const barrier = new Barrier(SAVES)
    return site(
      async ({ session, url }, response) => {
        await barrier.arrive()
        if (url === '/9') await session.flush()
        else session.set('last', url)
        response.end()
      },
      async (visit) => {
        const answers = await Promise.all(paths.slice(0, SAVES).map(visit))
        const allowed = conflict === 'reject' ? [200, 400, 409] : [200, 400]
        for (const { status } of answers) assert.ok(allowed.includes(status), String(status))
        assert.is(answers[9]?.status, 200)
        assert.is(answers[9]?.cookies[0]?.maxAge, 0)
        assert.is(await engine.load(KEY), undefined)
        assert.is(await engine.count(), 0)
      },
      { conflict },
    )
  })
}

test('a request that was slower than the logout is a 400, and brings nothing back', () => {
  const out = new Gate()
  return site(
    async ({ session, url }, response) => {
      if (url === '/logout') {
        await session.flush()
      } else {
        await out.opened
        session.set('late', true)
      }
      response.end()
    },
    async (visit) => {
      const slow = visit('/slow')
      await visit('/logout')
      out.open()
      assert.is((await slow).status, 400)
      assert.is(await engine.count(), 0)
    },
  )
})

test('a request that only read, and was slower than the logout, leaves the cookie of a new login alone', () => {
  const out = new Gate()
  return site(
    async ({ session, url }, response) => {
      if (url === '/again') await session.flush()
      if (url === '/again') session.set('user', 43)
      else await out.opened
      response.end(String(session.get('user')))
    },
    async (visit) => {
      const slow = visit('/slow')
      const again = await visit('/again')
      out.open()
      const { status, cookies, text } = await slow
      assert.is(status, 200)
      assert.is(text, '42')
      assert.equal(cookies, [])
      const key = again.cookies[0]?.value
      assert.is((await new Session({ engine, key }).load()).get('user'), 43)
    },
  )
})

test('first requests that overlap have a session each', () =>
  serving(
    withSessions({ engine }, ({ session, url }, response) => {
      session.set('first', url)
      response.end()
    }),
    async (url) => {
      const keys = await Promise.all(
        paths.map(async (path) => (await new Visitor(url).visit(path)).cookies[0]?.value ?? ''),
      )
      assert.is(new Set(keys).size, REQUESTS)
      assert.is(await engine.count(), REQUESTS + 1)
      for (const [index, key] of keys.entries()) assert.equal(await engine.load(key), { first: paths[index] })
    },
  ))

test.run()
