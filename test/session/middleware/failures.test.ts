import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionEngine, UpdateError } from 'coatcheck'
import { answerSessionError, type SessionsOptions, sessionOf } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { type Answer, type Handler, serving, Visitor, withSessions } from './web.js'

/*
 * Sessions that cannot be loaded or stored: what clients are told, and what is not told them.
 */

const KEY = 'abcdefgh01234567'
const engine = new SessionEngine<object>({
  directory: temporaryDirectory('memory'),
  threads: 1,
  maxPending: { operations: 1 },
})
const test = suite('middleware: failures')

test.before.each(async () => {
  await engine.clear()
  await engine.save(KEY, { note: 'stored' })
})
test.after(() => engine.close())

function site(
  handler: Handler,
  body: (visitor: Visitor) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  return serving(withSessions({ engine, ...options }, handler), (url) => body(new Visitor(url, KEY)))
}

/** Of an error the client learns nothing but what to do. */
function assertDiscreet({ text, headers, cookies }: Answer): void {
  assert.not.match(text, new RegExp(`${KEY}|secret|stack|\\bat .*:\\d+|COATCHECK`))
  assert.match(headers['content-type'] ?? '', /^text\/plain/)
  assert.is(headers['content-length'], String(Buffer.byteLength(text)))
  assert.equal(cookies, [])
}

const change: Handler = ({ session }, response) => {
  session.set('note', 'secret')
  response.setHeader('Content-Length', 4)
  response.setHeader('X-Handler', 'yes')
  response.end('done')
}

test('a session that was deleted meanwhile: 400, and it stays deleted', () =>
  site(
    async (request, response) => {
      await engine.delete(KEY)
      change(request, response)
    },
    async (visitor) => {
      const answer = await visitor.visit()
      assert.is(answer.status, 400)
      assertDiscreet(answer)
      assert.is(answer.headers['x-handler'], undefined)
      assert.is(await engine.count(), 0)
    },
  ))

test('the same where it would only have been touched', () =>
  site(
    async (_request, response) => {
      await engine.delete(KEY)
      response.end('done')
    },
    async (visitor) => {
      assert.is((await visitor.visit()).status, 400)
      assert.is(await engine.count(), 0)
    },
    { saveEveryRequest: true, touchAfter: 60 },
  ))

test("a conflict, where the policy is 'reject': 409, and the other's session stays", () =>
  site(
    async (request, response) => {
      await engine.save(KEY, { note: 'of another' })
      change(request, response)
    },
    async (visitor) => {
      const answer = await visitor.visit()
      assert.is(answer.status, 409)
      assertDiscreet(answer)
      assert.equal(await engine.load(KEY), { note: 'of another' })
    },
    { conflict: 'reject' },
  ))

test('an overloaded engine: 503 with Retry-After', () => {
  let other: Promise<void> | undefined
  return site(
    (request, response) => {
      other = engine.save('another-key', {})
      change(request, response)
    },
    async (visitor) => {
      const answer = await visitor.visit()
      await other
      assert.is(answer.status, 503)
      assert.is(answer.headers['retry-after'], '1')
      assertDiscreet(answer)
      assert.equal(await engine.load(KEY), { note: 'stored' })
    },
  )
})

test('a session that cannot be encoded: 500, a warning, and the stored one stays', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  await site(
    (request, response) => {
      request.session.set('secret', () => undefined)
      change(request, response)
    },
    async (visitor) => {
      const answer = await visitor.visit()
      assert.is(answer.status, 500)
      assertDiscreet(answer)
      assert.equal(await engine.load(KEY), { note: 'stored' })
    },
  )
  const { name, message } = await warned
  assert.is(name, 'EncodeError')
  assert.not.match(message, new RegExp(KEY))
})

test('a closed engine: 503, before the handler runs and after', async () => {
  const closing = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
  await closing.save(KEY, { note: 'stored' })
  let handled = 0
  await site(
    async (request, response) => {
      handled++
      await closing.close()
      change(request, response)
    },
    async (visitor) => {
      for (const _ of ['after', 'before']) {
        const answer = await visitor.visit()
        assert.is(answer.status, 503)
        assert.is(answer.headers['retry-after'], '1')
        assertDiscreet(answer)
      }
      assert.is(handled, 1)
    },
    { engine: closing },
  )
})

/** An engine whose directory is a file by now. */
async function brokenEngine(): Promise<SessionEngine<object>> {
  const directory = join(temporaryDirectory('memory'), 'sessions')
  const broken = new SessionEngine<object>({ directory, threads: 1, sweepInterval: false })
  await broken.save(KEY, { note: 'stored' })
  rmSync(directory, { recursive: true })
  writeFileSync(directory, '')
  return broken
}

test('a storage that fails: next(error) before the handler, an answer after it', async () => {
  const broken = await brokenEngine()
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  await site(
    change,
    async (visitor) => {
      const before = await visitor.visit()
      assert.is(before.status, 500)
      assert.is(before.text, 'next: StorageError')
      visitor.cookie = undefined
      const after = await visitor.visit()
      assert.is(after.status, 500)
      assertDiscreet(after)
    },
    { engine: broken },
  )
  assert.is((await warned).name, 'StorageError')
  await broken.close()
})

/** That the visitor goes on with the session, under another key, and the old one is worth nothing. */
async function assertMoved(visitor: Visitor, answer: Answer): Promise<void> {
  const [cookie] = answer.cookies
  assert.is(answer.cookies.length, 1)
  assert.is.not(cookie?.value, KEY)
  assert.is(cookie?.maxAge, 1_209_600)
  assert.match(answer.headers.vary ?? '', /Cookie/)
  assert.equal(await engine.load(visitor.cookie ?? ''), { note: 'stored' })
  assert.is(await engine.load(KEY), undefined)
}

for (const [title, handler, status] of [
  [
    'a server error',
    async ({ session }, response) => {
      await session.cycleKey()
      session.set('note', 'secret')
      response.statusCode = 503
      response.end()
    },
    503,
  ],
  [
    'a server error, though nobody has awaited it',
    ({ session }, response) => {
      session.cycleKey()
      response.statusCode = 503
      response.end()
    },
    503,
  ],
  [
    'a save that fails',
    async ({ session }, response) => {
      await session.cycleKey()
      session.set('secret', () => undefined)
      response.end('done')
    },
    500,
  ],
  [
    'an answer, though nobody has awaited it',
    ({ session }, response) => {
      session.cycleKey()
      response.end('done')
    },
    200,
  ],
] satisfies [string, Handler, number][]) {
  test(`a key that was cycled reaches the client with ${title}`, async () => {
    await site(
      handler,
      async (visitor) => {
        const answer = await visitor.visit()
        assert.is(answer.status, status)
        await assertMoved(visitor, answer)
      },
      { onError: (error, _request, response) => answerSessionError(error, response) },
    )
  })
}

test('a session that was created has its cookie, though nobody has awaited it', () =>
  site(
    ({ session }, response) => {
      session.create()
      response.end('done')
    },
    async (visitor) => {
      visitor.cookie = undefined
      assert.is((await visitor.visit()).cookies.length, 1)
      assert.equal(await engine.load(visitor.cookie ?? ''), {})
    },
  ))

test('a key that was cycled, and ended meanwhile, is not given to the client', () =>
  site(
    async ({ session }, response) => {
      await session.cycleKey()
      await engine.delete(session.key ?? '')
      session.set('note', 'secret')
      response.end('done')
    },
    async (visitor) => {
      const answer = await visitor.visit()
      assert.is(answer.status, 400)
      assertDiscreet(answer)
    },
  ))

test('where a session could not be loaded, the request has none', async () => {
  const broken = await brokenEngine()
  const found: unknown[] = []
  await site(
    (request, response) => {
      found.push(request.session)
      assert.throws(() => sessionOf(request), /this request has no session.*loaded/)
      response.end('gone on')
    },
    async (visitor) => assert.is((await visitor.visit()).text, 'gone on'),
    { engine: broken, onError: (_error, _request, _response, next) => next() },
  )
  assert.equal(found, [undefined])
  await broken.close()
})

test('onError takes the answer over, and has the response as it was before the handler', () =>
  site(
    async (request, response) => {
      await engine.delete(KEY)
      change(request, response)
    },
    async (visitor) => {
      const { status, text, headers } = await visitor.visit()
      assert.is(status, 302)
      assert.is(headers.location, '/login')
      assert.is(headers['x-handler'], undefined)
      assert.is(text, '')
    },
    {
      onError: (error, _request, response) => {
        assert.instance(error, UpdateError)
        assert.not(response.headersSent)
        response.writeHead(302, { Location: '/login' }).end()
      },
    },
  ))

test('onError may take its time, or leave the answer to us', () =>
  site(
    async (request, response) => {
      await engine.delete(KEY)
      change(request, response)
    },
    async (visitor) => {
      const { status, text } = await visitor.visit()
      assert.is(status, 400)
      assert.match(text, /was deleted/)
    },
    {
      onError: async (error, _request, response) => {
        await engine.exists(KEY)
        answerSessionError(error, response)
      },
    },
  ))

test('an onError that throws leaves no request without an answer, and is not hushed up', async () => {
  const thrown = new Promise<Error>((resolve) => process.once('uncaughtException', resolve))
  await site(
    async (request, response) => {
      await engine.delete(KEY)
      change(request, response)
    },
    async (visitor) => assert.is((await visitor.visit()).status, 400),
    {
      onError: () => {
        throw new Error('in onError')
      },
    },
  )
  assert.is((await thrown).message, 'in onError')
})

test('what a handler throws is an exception, not a rejection', async () => {
  const thrown = new Promise<unknown[]>((resolve) => {
    process.once('uncaughtException', (...values) => resolve(values))
  })
  await serving(
    withSessions({ engine }, (_request, response) => {
      response.end()
      throw new Error('in the handler')
    }),
    async (url) => {
      await new Visitor(url, KEY).visit()
    },
  )
  const [error, origin] = await thrown
  assert.is((error as Error).message, 'in the handler')
  assert.is(origin, 'uncaughtException')
})

test('what cannot be stored any more at the end of a response cuts it off', async () => {
  let told: unknown
  await site(
    async ({ session }, response) => {
      response.write('begun')
      await engine.delete(KEY)
      session.set('note', 'secret')
      response.end('ended')
    },
    async (visitor) => {
      const outcome = await visitor.visit().catch((error: NodeJS.ErrnoException) => error.code)
      assert.is(outcome, 'ECONNRESET')
      assert.is(await engine.count(), 0)
    },
    {
      onError: (error, _request, response) => {
        told = [error.code, response.headersSent]
      },
    },
  )
  assert.equal(told, ['COATCHECK_MISSING', true])
})

test.run()
