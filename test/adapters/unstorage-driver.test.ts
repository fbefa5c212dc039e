import { files, json, msgpack, SessionEngine } from 'coatcheck'
import { type CoatcheckDriver, coatcheckDriver } from 'coatcheck/unstorage'
import { createStorage, type Driver, restoreSnapshot, type Storage, snapshot } from 'unstorage'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/*
 * What unstorage expects of every driver, over the real unstorage.
 */

interface Context {
  engine: SessionEngine<object>
  driver: CoatcheckDriver
  storage: Storage
}

/** Whether seconds that are left are those that were given, some of them past. */
const isLeftOf = (seconds: number | undefined, given: number): void => {
  assert.ok(seconds !== undefined && seconds <= given && seconds > given - 60, `${seconds} of ${given}`)
}

const sorted = async (keys: Promise<string[]>): Promise<string[]> => (await keys).sort()

const VARIANTS = [
  { codec: msgpack(), base: '' },
  { codec: json(), base: 'items' },
]

for (const { codec, base } of VARIANTS) {
  const test = suite<Context>(`unstorage driver: ${codec.name}, base '${base}'`)

  test.before((context) => {
    const directory = temporaryDirectory('memory')
    context.engine = new SessionEngine<object>({ directory, codec, threads: 1 })
  })

  test.before.each((context) => {
    context.driver = coatcheckDriver({ engine: context.engine, base })
    // Any driver will do for unstorage: this is the check of its type.
    const driver: Driver = context.driver
    context.storage = createStorage({ driver })
  })

  test.after.each(async ({ storage }) => {
    await storage.clear()
  })

  test.after(async ({ engine }) => {
    await engine.close()
  })

  test('an empty storage has nothing', async ({ storage }) => {
    assert.is(await storage.hasItem('a:b'), false)
    assert.is(await storage.getItem('a:b'), null)
    assert.is(await storage.getItemRaw('a:b'), null)
    assert.equal(await storage.getKeys(), [])
    assert.equal({ ...(await storage.getMeta('a:b')) }, {})
    await storage.removeItem('a:b')
    await storage.clear()
  })

  test('a snapshot can be taken and restored', async ({ storage }) => {
    const items = { 'a:b': 'one', c: { two: 2 } }
    await restoreSnapshot(storage, items)
    assert.equal(await snapshot(storage, ''), items)
    await restoreSnapshot(storage, items, 'copy')
    assert.equal(await snapshot(storage, 'copy'), items)
  })

  test('what was set is there, under its key alone', async ({ storage }) => {
    await storage.setItem('a:b', 'text')
    await storage.setItem('c:b', 'other')
    assert.is(await storage.hasItem('a:b'), true)
    assert.is(await storage.getItem('a:b'), 'text')
    assert.is(await storage.getItem('c/b'), 'other')
    assert.is(await storage.hasItem('b'), false)
    assert.is(await storage.hasItem('a'), false)
    await storage.setItem('a:b', 'new')
    assert.is(await storage.getItem('a:b'), 'new')
    await storage.setItem('query?of=1', 'without')
    assert.is(await storage.getItem('query?of=2'), 'without')
  })

  test('values of every kind come back', async ({ storage }) => {
    const values = [0, 1.5, false, true, null, '', 'text', '17', [1, [2]], { deep: { list: [null] } }]
    for (const [index, value] of values.entries()) {
      await storage.setItem(`value:${index}`, value as never)
      // unstorage reads text that looks like JSON as JSON.
      assert.equal(await storage.getItem(`value:${index}`), value === '17' ? 17 : value)
    }
    await storage.setItem('lossy', { toJSON: () => ({ told: true }) })
    assert.equal(await storage.getItem('lossy'), { told: true })
    await storage.setItem('lossy', undefined as never)
    assert.is(await storage.hasItem('lossy'), false)
  })

  test('what unstorage cannot make a string of is refused', async ({ storage }) => {
    class Thing {}
    const error = await storage.setItem('thing', new Thing()).catch((reason: Error) => reason)
    assert.match((error as Error).message, /Cannot stringify/)
    assert.is(await storage.hasItem('thing'), false)
  })

  test('raw bytes come back as bytes', async ({ storage }) => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
    await storage.setItemRaw('raw', bytes)
    const read: unknown = await storage.getItemRaw('raw')
    assert.instance(read, Uint8Array)
    assert.equal(Array.from(read as Uint8Array), Array.from(bytes))
    await storage.setItemRaw('raw', Buffer.from(bytes).subarray(10, 12))
    assert.equal(Array.from((await storage.getItemRaw('raw')) as Uint8Array), [10, 11])
    await storage.setItemRaw('raw', new Uint16Array([258]).buffer)
    assert.equal(Array.from((await storage.getItemRaw('raw')) as Uint8Array), [2, 1])
    await storage.setItemRaw('raw', new Uint8Array(0))
    assert.equal(Array.from((await storage.getItemRaw('raw')) as Uint8Array), [])
  })

  test('raw bytes are text for getItem, and text is text for getItemRaw', async ({ storage }) => {
    await storage.setItemRaw('raw', Buffer.from('für dich'))
    assert.is(await storage.getItem('raw'), 'für dich')
    await storage.setItem('text', 'für dich')
    assert.is(await storage.getItemRaw('text'), 'für dich')
    await storage.setItemRaw('object', { some: ['thing'] })
    assert.equal(await storage.getItemRaw('object'), { some: ['thing'] })
  })

  test('many items at once', async ({ storage }) => {
    await storage.setItems([
      { key: 'many:1', value: 'one' },
      { key: 'many:2', value: 'two', options: { ttl: 5 } },
    ])
    assert.equal(await storage.getItems(['many:1', { key: 'many:2' }, 'many:3']), [
      { key: 'many:1', value: 'one' },
      { key: 'many:2', value: 'two' },
      { key: 'many:3', value: null },
    ])
  })

  test('keys are listed whole, by base and by depth', async ({ storage }) => {
    const keys = ['top', 'a:b', 'a:c:d', 'ab:c', 'UPPER:Ä:ß', 'x y.z:_-+=%']
    await Promise.all(keys.map((key) => storage.setItem(key, 1)))
    assert.equal(await sorted(storage.getKeys()), [...keys].sort())
    assert.equal(await sorted(storage.getKeys('a')), ['a:b', 'a:c:d'])
    assert.equal(await storage.getKeys('a:c'), ['a:c:d'])
    assert.equal(await storage.getKeys('none'), [])
    assert.equal(await storage.getKeys(undefined, { maxDepth: 0 }), ['top'])
    assert.equal(await sorted(storage.getKeys('a', { maxDepth: 1 })), ['a:b'])
  })

  test('removing and clearing take what was named', async ({ storage, driver }) => {
    for (const key of ['a:b', 'a:c', 'ab', 'd']) await storage.setItem(key, key)
    await storage.removeItem('a:b')
    assert.is(await storage.getItem('a:b'), null)
    // unstorage itself clears whole mounts only.
    await driver.clear('a:', {})
    assert.equal(await sorted(storage.getKeys()), ['ab', 'd'])
    await storage.clear()
    assert.equal(await storage.getKeys(), [])
  })

  test('clearing takes also what is more than a handful', async ({ storage, driver }) => {
    const items = Array.from({ length: 300 }, (_, index) => ({ key: `m:${index}`, value: index }))
    await storage.setItems(items)
    await storage.setItem('n', 'stays')
    await driver.clear('m:', {})
    assert.equal(await storage.getKeys(), ['n'])
  })

  test('meta data tell the expiry, and are kept beside an item', async ({ storage }) => {
    await storage.setItem('item', 'value', { ttl: 100 })
    const { ttl, expires } = await storage.getMeta('item', { nativeOnly: true })
    isLeftOf(ttl, 100)
    assert.ok((expires as Date).getTime() > Date.now() + 40_000)
    await storage.setMeta('item', { mtime: new Date(7), owner: 'me' })
    const meta = await storage.getMeta('item')
    assert.equal([meta.mtime, meta.owner, typeof meta.ttl], [new Date(7), 'me', 'number'])
    await storage.removeItem('item', { removeMeta: true })
    assert.equal(await storage.getKeys(), [])
  })

  test('an item expires with its ttl', async ({ storage, driver }) => {
    const seconds = async (key: string) => (await driver.getMeta(key, {}))?.ttl ?? 0
    await storage.setItem('long', 'value', { ttl: 1_000_000 })
    await storage.setItemRaw('raw', Buffer.from('value'), { ttl: 500 })
    await storage.setItem('engine', 'value')
    await storage.setItem('zero', 'value', { ttl: 0 })
    isLeftOf(await seconds('long'), 1_000_000)
    isLeftOf(await seconds('raw'), 500)
    isLeftOf(await seconds('engine'), 1_209_600)
    isLeftOf(await seconds('zero'), 1_209_600)
    await storage.setItem('long', 'value', { ttl: -1 })
    assert.is(await storage.hasItem('long'), false)
    assert.is(await storage.getItem('long'), null)
    assert.not((await storage.getKeys()).includes('long'))
  })

  test('a mounted driver knows nothing of the mount point', async ({ driver, engine }) => {
    const storage = createStorage()
    storage.mount('disk', driver)
    await storage.setItem('disk:a:b', 'there')
    await storage.setItem('memory', 'here')
    assert.ok(await engine.exists(base === '' ? 'a:b' : 'items:a:b'))
    assert.equal(await sorted(storage.getKeys()), ['disk:a:b', 'memory'])
    assert.equal(await storage.getKeys('disk:a'), ['disk:a:b'])
    await storage.clear('disk')
    assert.equal(await storage.getKeys(), ['memory'])
    await storage.unmount('disk')
    assert.is(await engine.exists('a:b'), false)
  })

  test('what others store in the engine is nothing to the driver', async ({ storage, engine }) => {
    await engine.save('items:foreign', { cookie: {}, visits: 1 })
    await engine.save('foreign', { cookie: {}, visits: 1 })
    assert.is(await storage.getItem('foreign'), null)
    assert.is(await storage.getItemRaw('foreign'), null)
    await storage.clear()
    assert.is(await engine.exists('foreign'), base !== '', 'a base keeps others safe')
    await engine.delete('foreign')
  })

  test.run()
}

const life = suite('unstorage driver: options, life and errors')

const codeOf = async (outcome: Promise<unknown>): Promise<unknown> => {
  const error = await outcome.then(() => undefined).catch((reason: { code?: string }) => reason)
  return error?.code
}

life('dispose closes an engine of its own, and errors are errors', async () => {
  const driver = coatcheckDriver({ directory: temporaryDirectory('memory'), threads: 1 })
  const storage = createStorage({ driver })
  await storage.setItem('a', 'stored')
  await storage.dispose()
  await driver.dispose()
  for (const call of [
    storage.hasItem('a'),
    storage.getItem('a'),
    storage.getItemRaw('a'),
    storage.setItem('a', 'b'),
    storage.setItemRaw('a', Buffer.from('b')),
    storage.removeItem('a'),
    Promise.resolve(storage.getMeta('a')),
    storage.getKeys(),
    storage.clear(),
    Promise.resolve(driver.clear('a:', {})),
  ]) {
    assert.is(await codeOf(call), 'COATCHECK_CLOSED')
  }
})

life('items survive the engine; one that was given stays open', async () => {
  const directory = temporaryDirectory('memory')
  const first = createStorage({ driver: coatcheckDriver({ directory, threads: 1 }) })
  await first.setItem('a', { kept: true })
  await first.dispose()
  const engine = new SessionEngine<object>({ directory, threads: 1 })
  const driver = coatcheckDriver({ engine })
  assert.is(driver.getInstance(), engine)
  const second = createStorage({ driver })
  assert.equal(await second.getItem('a'), { kept: true })
  await second.dispose()
  assert.ok(await engine.exists('a'))
  await engine.close()
})

life('two drivers share an engine by their bases', async () => {
  const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
  const [a, ab] = ['a', 'a:b:'].map((base) => createStorage({ driver: coatcheckDriver({ engine, base }) }))
  if (a === undefined || ab === undefined) throw new Error('no storage')
  await a.setItem('x', 1)
  await ab.setItem('x', 2)
  assert.equal([await a.getItem('x'), await ab.getItem('x')], [1, 2])
  assert.equal(await sorted(a.getKeys()), ['b:x', 'x'])
  await ab.clear()
  assert.equal(await a.getKeys(), ['x'])
  await engine.close()
})

life('a ttl of the driver is for items without one', async () => {
  const directory = temporaryDirectory('memory')
  const driver = coatcheckDriver({ directory, threads: 1, ttl: 600, maxAge: 5 })
  await driver.setItem('a', 'text', {})
  await driver.setItem('b', 'text', { ttl: 700 })
  isLeftOf((await driver.getMeta('a', {}))?.ttl, 600)
  isLeftOf((await driver.getMeta('b', {}))?.ttl, 700)
  await driver.dispose()
  const forever = coatcheckDriver({ directory, threads: 1, ttl: Number.POSITIVE_INFINITY })
  await forever.setItem('a', 'text', {})
  assert.ok(Number((await forever.getMeta('a', {}))?.ttl) > 3_000_000_000)
  await forever.dispose()
})

life('what is no item is refused by name, and what was there stays', async () => {
  const driver = coatcheckDriver({ directory: temporaryDirectory('memory'), threads: 1 })
  const storage = createStorage({ driver })
  assert.is(await codeOf(storage.setItem('x'.repeat(257), 1)), 'COATCHECK_INVALID_KEY')
  assert.is(await codeOf(storage.getItem('x'.repeat(257))), 'COATCHECK_INVALID_KEY')
  await storage.setItem('a', 'old')
  const circular: Record<string, unknown> = {}
  circular.self = circular
  assert.is(await codeOf(storage.setItemRaw('a', circular)), 'COATCHECK_ENCODE')
  const wrong = await storage.setItem('a', 'new', { ttl: 'soon' }).catch((error: unknown) => error)
  assert.instance(wrong, TypeError)
  assert.is(await storage.getItem('a'), 'old')
  await driver.dispose()
})

life('an overloaded engine is an error, with what was accepted stored', async () => {
  const driver = coatcheckDriver({
    directory: temporaryDirectory('memory'),
    threads: 1,
    maxPending: { operations: 1 },
  })
  const storage = createStorage({ driver })
  const outcomes = [1, 2].map((value) => codeOf(storage.setItem(`key:${value}`, value)))
  assert.equal(await Promise.all(outcomes), [undefined, 'COATCHECK_OVERLOADED'])
  assert.is(await storage.getItem('key:1'), 1)
  await driver.dispose()
})

life('keys that are stored as digests cannot be listed, but all can be cleared', async () => {
  const storage = files({ directory: temporaryDirectory('memory'), hashNames: true })
  const driver = coatcheckDriver({ storage, threads: 1 })
  await driver.setItem('a', 'text', {})
  assert.is(await codeOf(Promise.resolve(driver.getKeys('', {}))), 'COATCHECK_UNSUPPORTED')
  await driver.clear('', {})
  assert.is(await driver.getItem('a'), null)
  await driver.dispose()
})

life('wrong options are refused by name', () => {
  const refused = (options: unknown, expected: RegExp): void => {
    assert.throws(() => coatcheckDriver(options as never), expected)
  }
  refused(undefined, /option "options" is undefined; expected an object/)
  refused({}, /option "storage" is undefined; expected a storage/)
  refused({ directory: 'x', base: 7 }, /option "base" is 7; expected a string/)
  refused({ directory: 'x', ttl: 'soon' }, /option "ttl" is 'soon'; expected a number of seconds/)
  refused({ directory: 'x', ttl: 0 }, /option "ttl" is 0; expected a number of seconds/)
  refused({ directory: 'x', readOnly: true }, /option "readOnly" is true; expected one of/)
  // @ts-expect-error No such option.
  assert.throws(() => coatcheckDriver({ directory: 'x', readOnly: true }), TypeError)
  refused({ engine: {} }, /option "engine" is \{\}; expected a SessionEngine/)
})

life.run()
