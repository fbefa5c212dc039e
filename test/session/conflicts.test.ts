import { ConflictError, files, json, SessionEngine, UpdateError } from 'coatcheck'
import { type ConflictPolicy, Session } from 'coatcheck/session'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('session: conflicts')

const directory = temporaryDirectory('memory')
const open = (): SessionEngine<object> =>
  new SessionEngine<object>({ directory, threads: 1, sweepInterval: false })
/** The other one knows nothing of what the first one is about to do, as if it were another process's. */
const engines = [open(), open()]
const [engine = open()] = engines
test.after(async () => {
  await Promise.all(engines.map((some) => some.close()))
})

type Values = Record<string, unknown>

const make = (conflict: ConflictPolicy, key?: string, of = engine): Session =>
  new Session({ engine: of, key, conflict })

async function stored(values: Values, conflict: ConflictPolicy = 'last-wins'): Promise<string> {
  const session = make(conflict)
  session.update(values)
  await session.save()
  return session.key ?? ''
}

/** Two requests that have loaded one session. */
async function overlapping(conflict: ConflictPolicy, values: Values): Promise<[Session, Session]> {
  const key = await stored(values)
  return [await make(conflict, key).load(), await make(conflict, key).load()]
}

async function found({ key }: Session): Promise<Values> {
  return Object.fromEntries(await make('last-wins', key).load())
}

test('last-wins: the later save stands, whole', async () => {
  const [first, second] = await overlapping('last-wins', { a: 1 })
  await first.set('b', 2).save()
  await second.set('c', 3).save()
  assert.equal(await found(first), { a: 1, c: 3 })
})

test('merge: what each has set, changed or removed is there, or not there, in the end', async () => {
  const [first, second] = await overlapping('merge', { kept: 1, changed: 1, removed: 1, both: 1, also: 1 })
  first.set('added', 'first').set('changed', 2).set('both', 'first').delete('also')
  await first.save()
  second.set('more', 'second').set('both', 'second').delete('removed')
  await second.save()
  const merged = { kept: 1, changed: 2, both: 'second', added: 'first', more: 'second' }
  assert.equal(await found(first), merged)
  assert.equal(Object.fromEntries(second), merged, 'what others stored is in hand, too')
})

test('merge: changes inside a value count', async () => {
  const [first, second] = await overlapping('merge', { cart: { items: ['hat'] }, seen: new Set([1]), n: 1 })
  ;(first.get('cart') as { items: string[] }).items.push('cane')
  await first.save()
  ;(second.get('seen') as Set<number>).add(2)
  await second.save()
  assert.equal(await found(first), { cart: { items: ['hat', 'cane'] }, seen: new Set([1, 2]), n: 1 })
})

test('merge: a value that was changed and changed back is not changed', async () => {
  const [first, second] = await overlapping('merge', { list: [1], flag: true })
  await first.set('list', [1, 2]).set('flag', false).save()
  // V8 remembers that there was a fraction, and writes the list in another way.
  const list = second.get('list') as number[]
  list.push(1.5)
  list.pop()
  second.set('flag', false).set('flag', true)
  await second.save()
  assert.equal(await found(first), { list: [1, 2], flag: false })
})

test('merge: one session goes on after a merge, and takes nobody’s changes for its own', async () => {
  const [first, second] = await overlapping('merge', { a: 1, b: 1 })
  await first.set('a', 2).set('c', 1).save()
  await second.set('b', 2).save()
  await first.set('a', 3).delete('c')
  await first.save()
  await second.set('d', 1).save()
  await second.save()
  assert.equal(await found(first), { a: 3, b: 2, d: 1 })
  assert.equal(Object.fromEntries(second), { a: 3, b: 2, d: 1 })
})

test('merge: values that nobody else has changed stay the objects they are', async () => {
  const [first, second] = await overlapping('merge', { mine: { a: 1 }, theirs: { a: 1 } })
  const mine = second.get('mine')
  const theirs = first.get('theirs') as { a: number }
  theirs.a = 2
  await first.save()
  await second.set('b', 1).save()
  assert.is(second.get('mine'), mine)
  assert.equal(second.get('theirs'), { a: 2 })
})

test('merge: what is changed while a save is under way is the next save’s', async () => {
  const [first, second] = await overlapping('merge', { a: { n: 1 }, b: 1, c: 1 })
  await first.set('b', 2).set('c', 2).save()
  const mine = second.get('a') as { n: number }
  mine.n = 2
  const saving = second.save()
  mine.n = 3
  second.set('b', 'mine')
  await saving
  assert.equal(await found(first), { a: { n: 2 }, b: 2, c: 2 })
  assert.equal(Object.fromEntries(second), { a: { n: 3 }, b: 'mine', c: 2 })
  await second.save()
  assert.equal(await found(first), { a: { n: 3 }, b: 'mine', c: 2 })
})

test('merge: objects of a class are encoded as such, also when they have to wait', async () => {
  class Money {
    readonly #cents: number
    constructor(cents: number) {
      this.#cents = cents
    }
    toJSON(): string {
      return `${this.#cents} ct`
    }
  }
  const storage = files({ directory: temporaryDirectory('memory') })
  const apart = new SessionEngine<object>({ storage, codec: json(), threads: 1 })
  const first = make('merge', undefined, apart)
  await Promise.all([first.set('a', new Money(5)).save(), first.set('b', new Money(6)).save()])
  const second = await make('merge', first.key, apart).load()
  await first.set('c', new Money(7)).save()
  await second.set('d', { pay: new Money(8), later: undefined }).save()
  const all = await make('last-wins', first.key, apart).load()
  assert.equal(Object.fromEntries(all), { a: '5 ct', b: '6 ct', c: '7 ct', d: { pay: '8 ct' } })
  await apart.close()
})

test('merge: a value that no fingerprint can be taken of is mine', async () => {
  const key = await stored({ a: 1 })
  const [first, second] = [await make('merge', key).load(), await make('merge', key).load()]
  await first.set('a', 2).save()
  class Secret {
    readonly hidden = () => 1
    toJSON(): string {
      return 'shown'
    }
  }
  second.set('b', new Secret())
  await second.save()
  assert.equal(await found(first), { a: 2, b: 'shown' })
  await second.save()
  assert.equal(await found(first), { a: 2, b: 'shown' })
})

test('merge: the expiry is a value like any other, and that of what is stored', async () => {
  const [first, second] = await overlapping('merge', { a: 1 })
  first.setExpiry(-1)
  const [third, fourth] = await overlapping('merge', { a: 1 })
  third.setExpiry(500)
  await third.save()
  await fourth.set('a', 2).save()
  assert.is(fourth.getExpiryAge(), 500)
  assert.equal(await found(third), { a: 2, _session_expiry: 500 })
  await first.save()
  await rejection(second.save(), UpdateError)
})

test('merge: awkward names are merged as all others', async () => {
  const [first, second] = await overlapping('merge', { a: 1 })
  await first.set('__proto__', { n: 1 }).save()
  await second.set('constructor', 2).save()
  const all = await make('last-wins', first.key).load()
  assert.equal([all.get('__proto__'), all.get('constructor'), all.size], [{ n: 1 }, 2, 3])
  assert.equal(second.get('__proto__'), { n: 1 })
})

test('merge: a session that was created here merges at its next save', async () => {
  const mine = make('merge')
  await mine.set('a', 1).save()
  const other = await make('merge', mine.key).load()
  await other.set('b', 1).delete('a')
  await other.save()
  await mine.set('c', 1).save()
  assert.equal(await found(mine), { b: 1, c: 1 })
  assert.equal(Object.fromEntries(mine), { b: 1, c: 1 })
})

test('merge: cycleKey takes along what others have stored', async () => {
  const [first, second] = await overlapping('merge', { a: 1, b: 1 })
  await first.set('a', 2).delete('b')
  await first.save()
  await second.set('c', 1).cycleKey()
  assert.equal(await found(second), { a: 2, c: 1 })
  assert.equal(Object.fromEntries(second), { a: 2, c: 1 })
  await rejection(first.save(), UpdateError)
})

test('merge: a deleted session stays deleted, and clear leaves what others have added', async () => {
  const [first, second] = await overlapping('merge', { a: 1 })
  await first.set('b', 1).save()
  second.clear()
  await second.set('c', 1).save()
  assert.equal(await found(first), { b: 1, c: 1 })
  await first.flush()
  await rejection(second.set('d', 1).save(), UpdateError)
  assert.is(await engine.exists(second.key ?? ''), false)
})

for (const [title, pair] of [
  ['one engine', [engine]],
  ['two engines on one directory', engines],
] as const) {
  test(`merge: of many requests at once no change is lost, over ${title}`, async () => {
    const REQUESTS = 24
    const key = await stored({ shared: 0 })
    const sessions = await Promise.all(
      Array.from({ length: REQUESTS }, (_, index) => make('merge', key, pair[index % pair.length]).load()),
    )
    await Promise.all(sessions.map((session, index) => session.set(`name${index}`, index).save()))
    const all = await make('last-wins', key).load()
    assert.is(all.size, REQUESTS + 1)
    for (let index = 0; index < REQUESTS; index++) assert.is(all.get(`name${index}`), index)
  })
}

/** What a merging request knows, in the plainest words. */
interface Model {
  base: Map<string, number>
  inHand: Map<string, number>
}

test('merge: whatever requests do between each other, each save is a three-way merge', async () => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('set', 'set', 'delete', 'save', 'save', 'clear'),
    name: fc.constantFrom('a', 'b', 'c'),
    value: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const key = await stored({ a: 0 })
      let kept = new Map([['a', 0]])
      const sessions = await Promise.all([0, 1, 2].map(() => make('merge', key).load()))
      const models = sessions.map((): Model => ({ base: new Map(kept), inHand: new Map(kept) }))
      for (const { who, what, name, value } of steps) {
        const [session, model] = [sessions[who], models[who]]
        if (session === undefined || model === undefined) continue
        if (what === 'set') {
          session.set(name, value)
          model.inHand.set(name, value)
        } else if (what === 'delete') {
          assert.is(session.delete(name), model.inHand.delete(name))
        } else if (what === 'clear') {
          session.clear()
          model.inHand.clear()
        } else {
          await session.save()
          for (const some of ['a', 'b', 'c']) {
            const mine = model.inHand.get(some)
            if (mine === model.base.get(some)) continue
            if (mine === undefined) kept.delete(some)
            else kept.set(some, mine)
          }
          kept = new Map(kept)
          model.base = new Map(kept)
          model.inHand = new Map(kept)
          assert.equal(new Map(Object.entries(await found(session))), kept)
        }
        assert.equal(new Map(session), model.inHand)
      }
    }),
    { numRuns: 40 },
  )
})

test('reject: the first save stands, and the other request is told', async () => {
  const [first, second] = await overlapping('reject', { a: 1 })
  await first.set('a', 2).save()
  const error = await rejection(second.set('b', 1).save(), ConflictError)
  assert.is(error.code, 'COATCHECK_CONFLICT')
  assert.equal(await found(first), { a: 2 })
  assert.equal([second.get('a'), second.get('b')], [1, 1])
  await rejection(second.save(), ConflictError)
  await first.set('a', 3).save()
  assert.equal(await found(first), { a: 3 })
})

test('reject: of many requests at once exactly one is stored', async () => {
  const key = await stored({})
  const sessions = await Promise.all(
    Array.from({ length: 12 }, (_, index) => make('reject', key, engines[index % 2]).load()),
  )
  const settled = await Promise.allSettled(
    sessions.map((session, index) => session.set('winner', index).save()),
  )
  const winners = settled.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
  assert.is(winners.length, 1)
  assert.equal(Object.fromEntries(await make('reject', key).load()), { winner: winners[0] })
  for (const one of settled) assert.ok(one.status === 'fulfilled' || one.reason instanceof ConflictError)
})

test('reject: a session that was created here is of a known version at once', async () => {
  const mine = make('reject')
  await Promise.all([mine.set('a', 1).save(), mine.set('a', 2).save()])
  const other = await make('reject', mine.key).load()
  await mine.set('a', 3).save()
  await rejection(other.set('b', 1).save(), ConflictError)
  await rejection(other.cycleKey(), ConflictError)
  assert.is(other.key, mine.key)
  await mine.cycleKey()
  await mine.set('a', 4).save()
  assert.equal(await found(mine), { a: 4 })
})

test('reject: a session that is gone is no conflict', async () => {
  const [first, second] = await overlapping('reject', { a: 1 })
  await first.destroy()
  await rejection(second.save(), UpdateError)
  const past = make('reject')
  past.setExpiry(-1)
  await past.save()
  await rejection(past.save(), UpdateError)
  await rejection(second.cycleKey(), UpdateError)
})

test('merge: what others store while a key is cycled goes along, or they are told', async () => {
  const OTHERS = 8
  for (let round = 0; round < 10; round++) {
    const key = await stored({})
    const [mine, ...others] = await Promise.all(
      Array.from({ length: OTHERS + 1 }, (_, index) => make('merge', key, engines[index % 2]).load()),
    )
    if (mine === undefined) throw new Error('there is one')
    const cycling = mine.set('mine', true).cycleKey()
    const saves = others.map((other, index) => outcome(other.set(`name${index}`, index).save()))
    await cycling
    const told = await Promise.all(saves)
    const kept = Object.fromEntries(
      told.flatMap((word, index) => (word === undefined ? [[`name${index}`, index]] : [])),
    )
    assert.ok(told.every((word) => word === undefined || word === 'UpdateError'))
    assert.equal(await found(mine), { mine: true, ...kept })
    assert.is(await engine.exists(key), false)
  }
})

test.run()
