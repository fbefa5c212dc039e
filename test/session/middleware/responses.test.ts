import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type GateKeeper, ResponseGate } from '../../../src/session/middleware/response-gate.js'

/*
 * Responses behind the gate: on the wire they are what they would be without it.
 */

const test = suite('middleware: responses that wait')

/** A step of a handler's. */
type Step = (response: ServerResponse) => unknown

/** What goes over the wire when a handler takes these steps, up to the end of the connection. */
async function onTheWire(
  steps: readonly Step[],
  guard: (response: ServerResponse) => void,
  request: string,
): Promise<string> {
  const listener: RequestListener = (_request, response) => {
    response.sendDate = false
    // What Node itself complains of is no matter here: it has to be the same.
    response.on('error', () => undefined)
    guard(response)
    for (const step of steps) step(response)
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(request)
    return await text(socket)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** With all chunks as one: from Node 26 on, those of one turn are sent so, and the gate may part one turn into two. */
function withoutChunks(wire: string): string {
  const [head = ''] = wire.split('\r\n\r\n', 1)
  if (!/^transfer-encoding: chunked$/im.test(head)) return wire
  let rest = Buffer.from(wire.slice(head.length + 4))
  const chunks: Buffer[] = []
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/.exec(rest.toString('latin1'))
    const length = Number.parseInt(size?.[1] ?? '', 16)
    if (size === null || rest.length < size[0].length + length + 2) break
    chunks.push(rest.subarray(size[0].length, size[0].length + length))
    rest = rest.subarray(size[0].length + length + 2)
  }
  return `${head}\r\n\r\n${Buffer.concat(chunks)}, then ${JSON.stringify(rest.toString())}`
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const REQUESTS = [GET, GET.replace('GET', 'HEAD'), 'GET / HTTP/1.0\r\n\r\n', GET.replace('GET', 'POST')]

/** Lets everything that can be done be done first. */
function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const KEEPERS: Readonly<Record<string, GateKeeper>> = {
  'lets all through': keeper({}),
  'keeps the headers': keeper({ beforeHeaders: later }),
  'keeps the end': keeper({ beforeEnd: later }),
  'keeps both': keeper({ beforeHeaders: later, beforeEnd: later }),
}

function keeper(parts: Partial<GateKeeper>): GateKeeper {
  return {
    beforeHeaders: () => undefined,
    beforeEnd: () => undefined,
    onHeaders: () => undefined,
    failed: (error) => {
      throw error
    },
    ...parts,
  }
}

const header: fc.Arbitrary<Step> = fc.constantFrom<Step[]>(
  (response) => response.setHeader('X-Four', ['4', '44']),
  (response) => Object.assign(response, { statusCode: 202, statusMessage: 'Hm' }),
  (response) => response.setHeader('Transfer-Encoding', 'chunked'),
)
const head: fc.Arbitrary<Step> = fc.constantFrom<Step[]>(
  (response) => response.writeHead(201, { 'X-One': '1' }),
  (response) => response.writeHead(404, 'No such thing', ['X-Two', '2', 'X-Three', '3']),
  (response) => response.writeHead(304),
  (response) => response.writeHead(200, { 'Content-Length': 6 }),
)
const go: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom('', 'abc', 'äöü').map<Step>((chunk) => (response) => response.write(chunk)),
  fc.constant<Step>((response) => response.write('616263', 'hex', () => undefined)),
  fc.constant<Step>((response) => response.write(Buffer.from('def'))),
  fc.constant<Step>((response) => response.flushHeaders()),
)
const stop: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((response) => response.end()),
  fc.constant<Step>((response) => response.end('end')),
  fc.constant<Step>((response) => response.end('656e64', 'hex')),
  fc.constant<Step>((response) => response.end(Buffer.from('end'), () => undefined)),
  fc.constant<Step>((response) => response.end(() => undefined)),
)
const handlers = fc
  .tuple(
    fc.array(header, { maxLength: 2 }),
    fc.array(head, { maxLength: 1 }),
    fc.array(go, { maxLength: 3 }),
    stop,
    // What comes too late.
    fc.array(fc.oneof(go, stop), { maxLength: 1 }),
  )
  .map(([headers, heads, chunks, last, late]) => [...headers, ...heads, ...chunks, last, ...late])

for (const [title, guarding] of Object.entries(KEEPERS)) {
  test(`a gate that ${title} changes nothing`, () =>
    fc.assert(
      fc.asyncProperty(handlers, fc.constantFrom(...REQUESTS), async (steps, request) => {
        const without = await onTheWire(steps, () => undefined, request)
        const behind = await onTheWire(steps, (response) => new ResponseGate(response, guarding), request)
        assert.is(withoutChunks(behind), withoutChunks(without))
      }),
      { numRuns: 60 },
    ))
}

/** One response behind a gate, whose keeper has to be told to let it go. */
async function behind(
  parts: Partial<GateKeeper>,
  handler: (response: ServerResponse) => unknown,
  body: (answer: () => Promise<Response>) => Promise<void>,
): Promise<void> {
  const server = createServer((_request, response) => {
    new ResponseGate(response, keeper(parts))
    handler(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await body(() => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('what waits looks as if it were sent', async () => {
  const seen: unknown[] = []
  const look = ({ headersSent, writableEnded }: ServerResponse) => seen.push([headersSent, writableEnded])
  await behind(
    { beforeHeaders: later },
    (response) => {
      look(response)
      response.writeHead(200)
      look(response)
      response.write('a')
      look(response)
      response.end()
      look(response)
      response.on('close', () => look(response))
    },
    async (answer) => assert.is(await (await answer()).text(), 'a'),
  )
  await later()
  assert.equal(seen, [
    [false, false],
    [true, false],
    [true, false],
    [true, true],
    [true, true],
  ])
})

test('the status at the time of the headers counts, whatever is done to it while they wait', () =>
  behind(
    { beforeHeaders: later },
    (response) => {
      response.statusCode = 201
      response.end()
      response.statusCode = 500
    },
    async (answer) => assert.is((await answer()).status, 201),
  ))

test('the keeper is told the status that writeHead was given', async () => {
  const statuses: number[] = []
  await behind(
    { beforeHeaders: (status) => void statuses.push(status) },
    (response) => response.writeHead(418).end(),
    async (answer) => assert.is((await answer()).status, 418),
  )
  assert.equal(statuses, [418])
})

test('between writeHead and the body the headers have not gone', async () => {
  let asked = false
  await behind(
    {
      beforeHeaders: () => {
        asked = true
        return undefined
      },
    },
    async (response) => {
      response.writeHead(200)
      await later()
      assert.not(asked)
      response.end()
    },
    async (answer) => assert.is((await answer()).status, 200),
  )
  assert.ok(asked)
})

for (const [title, send] of Object.entries({
  pipe: (source: Readable, response: ServerResponse): unknown => source.pipe(response),
  pipeline: (source: Readable, response: ServerResponse) => pipeline(source, response),
  'an async loop': async (source: Readable, response: ServerResponse) => {
    for await (const chunk of source) {
      if (!response.write(chunk)) await once(response, 'drain')
    }
    response.end()
  },
})) {
  test(`${title}: a stream waits while headers do, and arrives whole`, () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let read = 0
    return behind(
      { beforeHeaders: () => released, beforeEnd: later },
      async (response) => {
        const source = new Readable({
          highWaterMark: 1,
          read() {
            this.push(read < 200 ? 'x'.repeat(1000) : null)
            read++
          },
        })
        const sent = send(source, response)
        for (let turn = 0; turn < 10; turn++) await later()
        assert.ok(read < 10, `${read} chunks were read while the first one waited`)
        release()
        await sent
      },
      async (answer) => assert.is((await (await answer()).text()).length, 200_000),
    )
  })
}

test('calls that wait are carried out one by one, however many there are', () => {
  const WRITES = 100_000
  let looks = 0
  return behind(
    { beforeHeaders: later },
    (response) => {
      for (let count = 0; count < WRITES; count++) response.write('x')
      // An array that is moved, or searched, for each of them takes billions of steps.
      const { shift, some, splice } = Array.prototype
      const counted = <Method extends (...values: never[]) => unknown>(method: Method) =>
        function (this: unknown[], ...values: Parameters<Method>): unknown {
          if (this.length > 1000) looks++
          return Reflect.apply(method, this, values)
        }
      Object.assign(Array.prototype, { shift: counted(shift), some: counted(some), splice: counted(splice) })
      response.on('close', () => Object.assign(Array.prototype, { shift, some, splice }))
      response.end()
      for (let count = 0; count < 1000; count++) assert.ok(response.writableEnded)
    },
    async (answer) => {
      assert.is((await (await answer()).text()).length, WRITES)
      assert.ok(looks < 10, `${looks} looks at all that waits`)
    },
  )
})

const failure = new Error('not stored')

test('a rejection before the headers undoes what the handler has done to the response', () =>
  behind(
    {
      beforeHeaders: () => Promise.reject(failure),
      failed: () => undefined,
    },
    (response) => {
      response.setHeader('Content-Length', 3)
      response.setHeader('ETag', '"abc"')
      response.writeHead(201, 'Made', { 'X-Made': 'yes' })
      const told = new Promise((resolve) => response.write('abc', resolve))
      told.then((error) => {
        assert.is(error, failure)
        assert.not(response.headersSent)
        response.setHeader('X-Answer', 'anew')
        response.end('sorry')
      })
    },
    async (answer) => {
      const response = await answer()
      assert.is(response.status, 200)
      assert.is(response.statusText, 'OK')
      assert.is(response.headers.get('etag'), null)
      assert.is(response.headers.get('x-made'), null)
      assert.is(response.headers.get('x-answer'), 'anew')
      assert.is(await response.text(), 'sorry')
    },
  ))

test('a header that is an array is what it was, though the handler has appended to it', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('Set-Cookie', ['earlier=1'])
    new ResponseGate(
      response,
      keeper({
        beforeHeaders: () => Promise.reject(failure),
        failed: () => {
          response.appendHeader('Set-Cookie', 'answer=1')
          response.end('sorry')
        },
      }),
    )
    response.appendHeader('Set-Cookie', 'handler=1')
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    assert.equal(headers.getSetCookie(), ['earlier=1', 'answer=1'])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('what a handler still sends after the answer in its place goes nowhere', async () => {
  let response: ServerResponse | undefined
  await behind(
    {
      beforeHeaders: () => Promise.reject(failure),
      failed: () => response?.end('sorry'),
    },
    (made) => {
      response = made
      const source = new Readable({ read: () => undefined })
      source.push('abc')
      source.pipe(made)
      made.on('finish', () => {
        assert.ok(made.write('more'))
        made.writeHead(200)
        made.flushHeaders()
        made.end('and more')
      })
    },
    async (answer) => assert.is(await (await answer()).text(), 'sorry'),
  )
})

for (const [title, parts] of Object.entries<Partial<GateKeeper>>({
  'an answer in its place': { beforeHeaders: () => later().then(() => Promise.reject(failure)) },
  'a response that was cut off': { beforeEnd: () => later().then(() => Promise.reject(failure)) },
})) {
  test(`whoever still writes goes on, and what was piped in is closed: ${title}`, async () => {
    let response: ServerResponse | undefined
    let waited: Promise<unknown> | undefined
    let closed: Promise<unknown> | undefined
    await behind(
      { ...parts, failed: () => response?.end('sorry') },
      (made) => {
        response = made
        if (parts.beforeEnd !== undefined) {
          made.write('begun')
          made.end()
        }
        const source = new Readable({ read: () => undefined })
        closed = once(source, 'close')
        source.push('abc')
        source.pipe(made)
        made.on('error', () => undefined)
        waited = made.write('more') ? undefined : once(made, 'drain')
      },
      async (answer) => {
        await answer()
          .then((given) => given.text())
          .catch(() => 'cut off')
        await Promise.all([waited, closed])
      },
    )
    assert.ok(waited)
  })
}

test('what others have put around the response has no part in the answer in its place', async () => {
  let response: ServerResponse | undefined
  await behind(
    {
      beforeHeaders: () => Promise.reject(failure),
      failed: () => response?.end('sorry'),
    },
    (made) => {
      response = made
      // As a compression does: it sends later, and ends once.
      const { write, end } = made
      let ended = false
      made.end = () => {
        if (ended) return made
        ended = true
        write.call(made, 'com', 'latin1')
        setImmediate(() => {
          write.call(made, 'pressed', 'latin1')
          Reflect.apply(end, made, [])
        })
        return made
      }
      made.end()
    },
    async (answer) => assert.is(await (await answer()).text(), 'sorry'),
  )
})

test('a rejection at the end cuts the response off', async () => {
  let told: unknown
  await behind(
    {
      beforeEnd: () => Promise.reject(failure),
      failed: (error) => {
        told = error
      },
    },
    (response) => {
      response.write('abc')
      response.end('def')
    },
    async (answer) => {
      const outcome = await answer()
        .then((response) => response.text())
        .catch(() => 'cut off')
      assert.is(outcome, 'cut off')
    },
  )
  assert.is(told, failure)
})

test('what cannot be sent after waiting is a failure as well', async () => {
  let response: ServerResponse | undefined
  await behind(
    {
      beforeHeaders: later,
      failed: (error) => response?.end(error.name),
    },
    (made) => {
      response = made
      made.statusCode = 99
      made.end('never')
    },
    async (answer) => assert.is(await (await answer()).text(), 'RangeError'),
  )
})

test('a call that could not be carried out calls back, and the headers of the answer are told', async () => {
  let response: ServerResponse | undefined
  let called: Promise<unknown> | undefined
  await behind(
    {
      beforeHeaders: later,
      onHeaders: () => response?.appendHeader('X-Told', 'yes'),
      failed: () => response?.end('sorry'),
    },
    (made) => {
      response = made
      made.statusCode = 99
      called = new Promise((resolve) => made.end('x', (error?: Error) => resolve(error)))
    },
    async (answer) => {
      const { headers } = await answer()
      assert.is(headers.get('x-told'), 'yes')
    },
  )
  assert.instance(await called, RangeError)
})

test('headers that cannot be sent are refused by writeHead, and the handler can answer otherwise', () =>
  behind(
    { beforeHeaders: later },
    (response) => {
      for (const [head, code] of [
        [[200, { 'x-a': 'a\nb' }], 'ERR_INVALID_CHAR'],
        [[200, { 'x a': 'b' }], 'ERR_INVALID_HTTP_TOKEN'],
        [[99], 'ERR_HTTP_INVALID_STATUS_CODE'],
        [[200, 'O\nK'], 'ERR_INVALID_CHAR'],
      ] as const) {
        assert.throws(
          () => Reflect.apply(response.writeHead, response, head),
          (error: NodeJS.ErrnoException) => error.code === code,
        )
        assert.not(response.headersSent)
      }
      response.writeHead(201).end('fine')
    },
    async (answer) => {
      const { status, headers } = await answer()
      assert.is(status, 201)
      assert.is(headers.get('x-a'), null)
    },
  ))

test('a list of pairs keeps all headers of one name', async () => {
  const head = [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ]
  for (const beforeHeaders of [later, () => undefined]) {
    await behind(
      { beforeHeaders },
      (response) => Reflect.apply(response.writeHead, response, [200, head]).end('x'),
      async (answer) => assert.equal((await answer()).headers.getSetCookie(), ['a=1', 'b=2']),
    )
  }
})

test('what comes too late for the headers is refused, as by Node', () =>
  behind(
    { beforeHeaders: later },
    (response) => {
      response.setHeader('X-Kept', 'yes')
      const assertLate = (call: () => unknown): void =>
        assert.throws(call, (error: NodeJS.ErrnoException) => error.code === 'ERR_HTTP_HEADERS_SENT')
      const assertAllLate = (): void => {
        assertLate(() => response.writeHead(500))
        assertLate(() => response.setHeader('X-Late', 'yes'))
        assertLate(() => response.appendHeader('X-Late', 'yes'))
        assertLate(() => response.removeHeader('X-Kept'))
      }
      response.writeHead(201)
      assertAllLate()
      response.write('a')
      assertAllLate()
      // As compressions do, whatever Node has sent.
      Reflect.apply(Reflect.get(response, '_implicitHeader'), response, [])
      response.end()
      assertAllLate()
      response.on('finish', assertAllLate)
    },
    async (answer) => {
      const { status, headers } = await answer()
      assert.equal([status, headers.get('x-kept'), headers.get('x-late')], [201, 'yes', null])
    },
  ))

test('what Node refuses is refused at once', () =>
  behind(
    { beforeHeaders: later },
    (response) => {
      const refused = { code: 'ERR_INVALID_ARG_TYPE' }
      for (const call of ['write', 'end'] as const) {
        assert.throws(
          () => Reflect.apply(response[call], response, [5]),
          (error: NodeJS.ErrnoException) => error.code === refused.code,
        )
      }
      response.end('fine')
    },
    async (answer) => assert.is(await (await answer()).text(), 'fine'),
  ))

test('a gate adds no listeners', () =>
  behind(
    { beforeHeaders: later, beforeEnd: later },
    (response) => {
      const plain = new Map(response.eventNames().map((name) => [name, response.listenerCount(name)]))
      response.write('a')
      response.end()
      setImmediate(() => {
        for (const name of response.eventNames()) {
          assert.is(response.listenerCount(name), plain.get(name) ?? 0, String(name))
        }
      })
    },
    async (answer) => assert.is(await (await answer()).text(), 'a'),
  ))

test.run()
