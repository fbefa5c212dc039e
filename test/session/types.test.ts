import { SessionEngine } from 'coatcheck'
import { Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/*
 * Most of this is checked by the compiler: a line that should not compile, and does, fails the build.
 */

interface Shop {
  cart: string[]
  visits: number
  note?: string
}

type Equal<One, Other> =
  (<Probe>() => Probe extends One ? 1 : 2) extends <Probe>() => Probe extends Other ? 1 : 2 ? true : false

/** Fails to compile unless the type is `true`. */
function holds<Truth extends true>(truth: Truth): void {
  assert.is(truth, true)
}

const test = suite('session: types')
const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
test.after(() => engine.close())

test('a session of a shape has its names and types', async () => {
  const session = await new Session<Shop>({ engine }).load()
  holds<Equal<typeof session, Session<Shop>>>(true)

  const cart = session.get('cart')
  holds<Equal<typeof cart, string[] | undefined>>(true)
  const visits = session.get('visits', 0)
  holds<Equal<typeof visits, number>>(true)
  const perhaps = session.get('cart', null)
  holds<Equal<typeof perhaps, string[] | null>>(true)

  session.set('cart', ['hat']).set('visits', 1).update({ visits: 2 })
  const kept = session.setDefault('visits', 7)
  holds<Equal<typeof kept, number>>(true)
  const [name] = session.keys()
  holds<Equal<typeof name, keyof Shop | undefined>>(true)
  const [pair] = session
  holds<Equal<typeof pair, [keyof Shop, Shop[keyof Shop]] | undefined>>(true)
  const popped = session.pop('cart')
  holds<Equal<typeof popped, string[]>>(true)
  const fallen = session.pop('cart', null)
  holds<Equal<typeof fallen, string[] | null>>(true)

  // @ts-expect-error No such name.
  session.get('carts')
  // @ts-expect-error No such name.
  session.delete('carts')
  // @ts-expect-error Not a list.
  session.set('cart', 'hat')
  // @ts-expect-error Not a number.
  session.setDefault('visits', 'two')
  // @ts-expect-error No such name.
  session.update({ carts: [] })
  // @ts-expect-error The key is read-only.
  assert.throws(() => (session.key = 'k'))
  // @ts-expect-error Whether it was accessed cannot be set.
  assert.throws(() => (session.accessed = false))
  session.modified = false
})

test('a session of no shape takes any name, and says nothing of types', () => {
  const session = new Session({ engine })
  session.set('anything', 1).set('else', ['at all'])
  const value = session.get('anything')
  holds<Equal<typeof value, unknown>>(true)
  // @ts-expect-error A symbol is no name.
  assert.throws(() => session.set(Symbol('name'), 1))
})

test('options and expiries are typed', () => {
  const session = new Session({ engine, key: undefined, conflict: 'merge', maxAge: 60 })
  session.setExpiry({ minutes: 5 })
  session.setExpiry(new Date())
  session.setExpiry(null)
  const age = session.getExpiryAge({ modification: new Date(), expiry: 7 })
  holds<Equal<typeof age, number>>(true)
  // @ts-expect-error No such unit.
  assert.throws(() => session.setExpiry({ fortnights: 1 }))
  // @ts-expect-error No such policy.
  assert.throws(() => new Session({ engine, conflict: 'first-wins' }))
  // @ts-expect-error There has to be an engine.
  assert.throws(() => new Session({}))
})

test.run()
