import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Child } from './child.js'

const test = suite('example: a session saved on every request')
const START = 'examples/every-request/start'
const VERIFY = 'examples/every-request/verify'

test('under load, nothing is lost', async () => {
  const directory = join(temporaryDirectory(), 'sessions')
  const { code, output, errors } = await new Child(START, ['--seconds', '1', '--directory', directory]).end()
  const [line, saves] = /\n256 sessions, (\d+) acknowledged saves, 0 lost\n$/.exec(output) ?? []
  assert.ok(line !== undefined, output + errors)
  assert.ok(Number(saves) > 256, 'each session was saved several times')
  assert.match(
    output,
    /\d+ requests\/s +\d+ saves\/s +\d+ pending +p99 [\d.]+ ms +event loop delay [\d.]+ ms/,
  )
  assert.is(code, 0)
  assert.is(errors, '')
})

test('a directory of its own is gone afterwards', async () => {
  const child = new Child(START, ['--seconds', '0.2', '--visitors', '3'])
  const directory = (await child.printed(/(?<=Sessions are in ).*(?=\.\n)/)) ?? ''
  const { code, output } = await child.end()
  assert.match(output, /\n3 sessions, \d+ acknowledged saves, 0 lost\n$/)
  assert.is(code, 0)
  assert.throws(() => readdirSync(directory), /ENOENT/)
})

test('wrong arguments and directories are told, with a failing exit code', async () => {
  const wrong = await new Child(START, ['--seconds', 'many']).end()
  assert.is(wrong.code, 1)
  assert.match(wrong.errors, /It is no number from/)
  const nowhere = await new Child(START, ['--directory', join(temporaryDirectory(), 'no', 'parent')]).end()
  assert.is(nowhere.code, 1)
  assert.match(nowhere.errors, /error: the storage could not be opened: .*parent/)
})

const STATES = [
  { changes: 3, cart: { figs: 2 } },
  { changes: 1, cart: {} },
]

/** What verify says of two sessions on disk, of which something else is expected. */
async function verify(change: (expectations: Record<string, unknown>[]) => void): Promise<{
  readonly code: number | null
  readonly output: string
  readonly errors: string
}> {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ directory: join(directory, 'sessions'), threads: 1 })
  for (const [index, state] of STATES.entries())
    await engine.save(`visitor ${index}`, { cookie: {}, ...state })
  await engine.close()
  const expectations = STATES.map((state, index) => ({
    key: `visitor ${index}`,
    acknowledged: state.changes,
    state: { ...state },
    outOfStep: 0,
  }))
  change(expectations)
  const file = join(directory, 'expectations.json')
  writeFileSync(file, JSON.stringify(expectations))
  return new Child(VERIFY, [join(directory, 'sessions'), file]).end()
}

test('what is on disk as it was acknowledged is not lost', async () => {
  const { code, output } = await verify(() => undefined)
  assert.is(output, '2 sessions, 4 acknowledged saves, 0 lost\n')
  assert.is(code, 0)
})

const FAULTS: readonly (readonly [string, (expectation: Record<string, unknown>) => void, RegExp])[] = [
  [
    'an older counter',
    (expectation) => Object.assign(expectation, { state: { ...STATES[0], changes: 4 } }),
    /last told/,
  ],
  [
    'another cart',
    (expectation) => Object.assign(expectation, { state: { changes: 3, cart: { figs: 1 } } }),
    /last told/,
  ],
  [
    'no session',
    (expectation) => Object.assign(expectation, { key: 'visitor 9' }),
    /no session in the store/,
  ],
  ['a visitor without cookie', (expectation) => delete expectation.key, /never got a session/],
  [
    'answers out of step',
    (expectation) => Object.assign(expectation, { outOfStep: 1 }),
    /1 answers that did not/,
  ],
]

for (const [fault, make, message] of FAULTS) {
  test(`${fault} counts as lost`, async () => {
    const { code, output, errors } = await verify(([first]) => first !== undefined && make(first))
    assert.match(output, /^2 sessions, 4 acknowledged saves, 1 lost\n$/)
    assert.match(errors, message)
    assert.is(code, 1)
  })
}

test('--serve is clicked on, ends with Ctrl-C, and remembers', async () => {
  const directory = join(temporaryDirectory(), 'sessions')
  const values = ['--serve', '--port', '0', '--directory', directory]
  const first = new Child(START, values)
  const url = await first.printed(/http:\S+/)
  const page = await fetch(url)
  assert.match(await page.text(), /<title>Your cart<\/title>[\s\S]*ice cream/)
  const headers = { cookie: page.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
  await fetch(`${url}/cart/figs`, { method: 'POST', headers })
  const added = await fetch(`${url}/cart/ice%20cream`, { method: 'POST', headers })
  assert.equal(await added.json(), { changes: 2, cart: { figs: 1, 'ice cream': 1 } })
  assert.is((await fetch(`${url}/cart/gold`, { method: 'POST', headers })).status, 404)
  first.process.kill('SIGINT')
  const { code, output } = await first.end()
  assert.match(output, /4 requests, 4 saves; closed/)
  assert.is(code, 0)
  const second = new Child(START, values)
  const cart = await fetch(`${await second.printed(/http:\S+/)}/cart`, { headers })
  assert.equal(await cart.json(), { changes: 2, cart: { figs: 1, 'ice cream': 1 } })
  second.process.kill('SIGTERM')
  assert.is((await second.end()).code, 0)
})

test.run()
