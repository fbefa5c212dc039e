import { json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SessionInHand } from '#dist/src/adapters/session-in-hand.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite<{ engine: SessionEngine<object>; inHand: SessionInHand }>('adapters: a session in hand')

test.before((context) => {
  const directory = temporaryDirectory('memory')
  context.engine = new SessionEngine<object>({ directory, codec: json(), threads: 1, sweepInterval: false })
})

test.before.each(async (context) => {
  await context.engine.delete('a')
  context.inHand = new SessionInHand({ engine: context.engine, key: 'a', loaded: false })
})

test.after(async ({ engine }) => {
  await engine.close()
})

/** A session that JSON has no word for. */
const UNENCODABLE = { x: 1n }

/** How stores ended: `stored`, or the code of their error. */
async function outcomes(stores: readonly Promise<void>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(stores)
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'stored' : (one.reason as { code?: string }).code,
  )
}

test('a save right behind a first one that is refused takes its place', async ({ engine, inHand }) => {
  const stores = [inHand.store(UNENCODABLE, undefined), inHand.store({ x: 1 }, undefined)]
  assert.equal(await outcomes(stores), ['COATCHECK_ENCODE', 'stored'])
  assert.equal(await engine.load('a'), { x: 1 })
})

test('of several the newest is stored, and each of them is told how that went', async ({
  engine,
  inHand,
}) => {
  const sessions = [UNENCODABLE, { x: 1 }, { x: 2 }, { x: 3 }]
  assert.equal(await outcomes(sessions.map((session) => inHand.store(session, undefined))), [
    'COATCHECK_ENCODE',
    'stored',
    'stored',
    'stored',
  ])
  assert.equal(await engine.load('a'), { x: 3 })
})

test('one that is refused as well is told its own error, and the next is a first one again', async (context) => {
  const { engine, inHand } = context
  const sessions = [UNENCODABLE, UNENCODABLE]
  assert.equal(await outcomes(sessions.map((session) => inHand.store(session, undefined))), [
    'COATCHECK_ENCODE',
    'COATCHECK_ENCODE',
  ])
  await inHand.store({ x: 4 }, undefined)
  assert.equal(await engine.load('a'), { x: 4 })
})

test('what was stored at first and then deleted stays deleted', async ({ engine, inHand }) => {
  const stores = [inHand.store({ x: 1 }, undefined), engine.delete('a'), inHand.store({ x: 2 }, undefined)]
  assert.equal(await outcomes(stores), ['stored', 'stored', 'stored'])
  assert.not(await engine.exists('a'))
})

test.run()
