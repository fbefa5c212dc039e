import { once } from 'node:events'
import { OverloadedError, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: too much at once')

interface Told {
  readonly name: 'overloaded' | 'recovered'
  readonly operations: number
  readonly bytes: number
}

function engineWith(maxPending: { operations?: number; bytes?: number }): {
  engine: SessionEngine
  told: Told[]
} {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1, maxPending })
  const told: Told[] = []
  engine.on('overloaded', (pending) => told.push({ name: 'overloaded', ...pending }))
  engine.on('recovered', (pending) => told.push({ name: 'recovered', ...pending }))
  return { engine, told }
}

test('past maxPending.operations everything is turned away at once, and nothing accepted is lost', async () => {
  const { engine, told } = engineWith({ operations: 50 })
  const accepted = Array.from({ length: 50 }, (_, index) => engine.save(`session-${index}`, { index }))
  assert.is(engine.stats().pending.operations, 50)
  const refused = [
    engine.save('session-0', { index: -1 }),
    engine.create('new', {}),
    engine.update('session-1', { index: -1 }),
    engine.touch('session-2'),
    engine.load('session-3'),
    engine.exists('session-4'),
    engine.delete('session-5'),
  ]
  for (const failure of await Promise.all(refused.map((promise) => rejection(promise, OverloadedError)))) {
    assert.is(failure.code, 'COATCHECK_OVERLOADED')
    assert.match(failure.message, /more than 50 operations are waiting/)
  }
  assert.is(engine.stats().overloaded, refused.length)
  assert.is(engine.stats().pending.operations, 50, 'a refusal waits for nothing')
  const recovered = once(engine, 'recovered')
  await Promise.all(accepted)
  await recovered
  assert.equal(
    told.map(({ name }) => name),
    ['overloaded', 'recovered'],
    'once, whatever number was refused',
  )
  assert.is(told[0]?.operations, 50)
  assert.ok((told[1]?.operations ?? 99) <= 25)
  for (let index = 0; index < 50; index++) assert.equal(await engine.load(`session-${index}`), { index })
  assert.is(await engine.count(), 50)
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
  await engine.close()
})

test('past maxPending.bytes writes are turned away, reads are not', async () => {
  const { engine, told } = engineWith({ bytes: 10_000 })
  const text = 'x'.repeat(2_000)
  const accepted = Array.from({ length: 4 }, (_, index) => engine.save(`session-${index}`, { text }))
  const refused = [
    engine.save('session-4', { text }),
    engine.update('session-0', { text }),
    engine.create('a', { text }),
  ]
  const others = [engine.load('session-1'), engine.exists('session-0'), engine.save('small', {})]
  for (const failure of await Promise.all(refused.map((promise) => rejection(promise, OverloadedError)))) {
    assert.match(failure.message, /more than 10000 bytes/)
  }
  const recovered = once(engine, 'recovered')
  await Promise.all([...accepted, ...others])
  await recovered
  assert.equal(
    told.map(({ name }) => name),
    ['overloaded', 'recovered'],
  )
  assert.ok((told[0]?.bytes ?? 0) > 8_000)
  await engine.save('session-4', { text })
  assert.is(await engine.count(), 6)
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
  await engine.close()
})

test('a session larger than maxPending.bytes is let in when nothing waits', async () => {
  const { engine } = engineWith({ bytes: 1_000 })
  const large = { text: 'x'.repeat(50_000) }
  const saving = engine.save('large', large)
  await rejection(engine.save('other', large), OverloadedError)
  await saving
  assert.equal(await engine.load('large'), large)
  await engine.close()
})

test('it can be overloaded and recover again and again', async () => {
  const { engine, told } = engineWith({ operations: 10 })
  for (let round = 0; round < 5; round++) {
    const saves = Array.from({ length: 15 }, (_, index) =>
      engine.save(`session-${index}`, { round }).catch((error: unknown) => {
        assert.instance(error, OverloadedError)
      }),
    )
    const recovered = once(engine, 'recovered')
    await Promise.all(saves)
    await recovered
  }
  assert.equal(
    told.map(({ name }) => name),
    Array.from({ length: 5 }, () => ['overloaded', 'recovered']).flat(),
  )
  assert.is(engine.stats().overloaded, 25)
  await engine.close()
})

test('what coalescing saves does not count as pending bytes', async () => {
  const { engine } = engineWith({ bytes: 10_000 })
  const saves = Array.from({ length: 100 }, (_, version) =>
    engine.save('a', { version, text: 'x'.repeat(1_000) }),
  )
  await Promise.all(saves)
  assert.is(engine.stats().coalesced, 99)
  await engine.close()
})

test('bytes are accounted for, whatever becomes of an operation', async () => {
  const { engine } = engineWith({})
  const text = (size: number) => ({ text: 'x'.repeat(size) })
  const mixed: Promise<unknown>[] = []
  const issue = (...promises: Promise<unknown>[]) => mixed.push(...promises.map(outcome))
  for (let round = 0; round < 30; round++) {
    issue(engine.save('a', text(round * 10)), engine.load('a'), engine.save('a', text(500 - round)))
    issue(
      engine.create('a', text(100)),
      engine.update('b', text(200)),
      engine.delete('a'),
      engine.exists('b'),
    )
    issue(
      engine.save('b', text(round)),
      engine.touch('b'),
      engine.update('b', text(2 * round)),
      engine.delete('b'),
    )
    issue(engine.save('c', text(round), { maxAge: -1 }), engine.update('c', text(9)))
    if (round % 5 === 0) await mixed[round]
  }
  await Promise.all(mixed)
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
  const { accepted, coalesced, failed } = engine.stats()
  assert.is(accepted, mixed.length)
  assert.ok(coalesced > 0)
  assert.is(failed, 0)
  await engine.close()
})

test.run()
