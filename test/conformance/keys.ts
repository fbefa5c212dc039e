import { InvalidSessionKeyError } from 'coatcheck'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './rejections.js'
import { collect, type StorageContext } from './subject.js'

/** Keys that a careless storage would mix up, refuse or write elsewhere. */
export const ODD_KEYS: readonly string[] = [
  '../x',
  '..',
  '.',
  '/etc/x',
  'a/b',
  'a\\b',
  'a\0b',
  'a',
  '\0',
  '\n',
  ' ',
  'CON',
  'con',
  'nul',
  'com1',
  'aux.txt',
  'Abc',
  'aBc',
  'abc',
  'abc.',
  'abc ',
  'ABC',
  '~abc',
  '.abc.gone',
  '.hidden',
  '=0041',
  '+a',
  '%2e%2e',
  '👜',
  'é',
  'e\u0301',
  '\ud800',
  '\ud801',
  '\udc00',
  'x'.repeat(256),
  'X'.repeat(256),
  `${'x'.repeat(255)}y`,
  '👜'.repeat(128),
  '__proto__',
  'constructor',
]

/** Keys, and listing, counting and clearing what is stored under them. */
export function registerKeys(
  test: Test<StorageContext>,
  {
    listsKeys,
    anyKeys,
    expiresItself,
  }: { readonly listsKeys: boolean; readonly anyKeys: boolean; readonly expiresItself: boolean },
): void {
  const odd = anyKeys ? registerOddKeys : registerRefusedKeys
  odd(test, listsKeys)

  test('many keys at once', async ({ emptied }) => {
    const engine = await emptied()
    const keys = Array.from({ length: 600 }, (_, index) => `session${index}`)
    await Promise.all(keys.map((key, index) => engine.save(key, { index })))
    const loaded = await Promise.all(keys.map((key) => engine.load(key)))
    assert.equal(
      loaded,
      keys.map((_, index) => ({ index })),
    )
    assert.is(await engine.count(), keys.length)
    if (listsKeys) assert.equal(await collect(engine.keys()), [...keys].sort())
    await engine.clear()
    assert.is(await engine.count(), 0)
    assert.ok((await Promise.all(keys.map((key) => engine.exists(key)))).every((found) => !found))
  })

  test('keys and count leave expired sessions out', async ({ emptied }) => {
    const engine = await emptied()
    await Promise.all([engine.save('live', {}), engine.save('dead', {}, { maxAge: -1 })])
    assert.is(await engine.count(), 1)
    if (listsKeys) assert.equal(await collect(engine.keys()), ['live'])
  })

  test('a listing can be left early, and again begun', async ({ emptied }) => {
    const engine = await emptied()
    await Promise.all(Array.from({ length: 20 }, (_, index) => engine.save(`session${index}`, {})))
    if (!listsKeys) return
    for await (const key of engine.keys()) {
      assert.match(key, /^session/)
      break
    }
    assert.is((await collect(engine.keys())).length, 20)
  })

  test('clearExpired removes expired sessions and nothing else', async ({ emptied }) => {
    const engine = await emptied()
    const dead = Array.from({ length: 30 }, (_, index) => engine.save(`dead${index}`, {}, { maxAge: -1 }))
    const live = Array.from({ length: 10 }, (_, index) => engine.save(`live${index}`, { index }))
    await Promise.all([...dead, ...live])
    let progress = 0
    const result = await engine.clearExpired({ onProgress: ({ expired }) => (progress = expired) })
    assert.is(result.unneeded, expiresItself)
    assert.is(result.expired, expiresItself ? 0 : 30)
    assert.is(progress, result.expired)
    assert.is(result.corrupt, 0)
    assert.is(engine.stats().lastSweep?.expired, result.expired)
    assert.is(await engine.count(), 10)
    assert.is((await engine.clearExpired()).expired, 0)
    for (let index = 0; index < 10; index++) assert.equal(await engine.load(`live${index}`), { index })
  })

  test('clearExpired ends when its signal says so', async ({ emptied }) => {
    const engine = await emptied()
    await engine.save('one', {})
    const reason = new Error('enough')
    const before = await engine
      .clearExpired({ signal: AbortSignal.abort(reason) })
      .catch((error: unknown) => error)
    assert.is(before, reason)
    const controller = new AbortController()
    const meanwhile = await engine
      .clearExpired({ signal: controller.signal, onProgress: () => controller.abort(reason) })
      .catch((error: unknown) => error)
    assert.is(meanwhile, reason)
    assert.is(await engine.exists('one'), true)
  })

  test('clear on an empty storage does nothing', async ({ fresh }) => {
    const engine = fresh()
    await engine.clear()
    assert.is(await engine.count(), 0)
  })
}

function registerOddKeys(test: Test<StorageContext>, listsKeys: boolean): void {
  test('odd keys are stored apart from each other', async ({ emptied }) => {
    const engine = await emptied()
    await Promise.all(ODD_KEYS.map((key, index) => engine.create(key, { index })))
    for (const [index, key] of ODD_KEYS.entries()) assert.equal(await engine.load(key), { index })
    assert.is(await engine.count(), ODD_KEYS.length)
    if (listsKeys) assert.equal(await collect(engine.keys()), [...ODD_KEYS].sort())
    await Promise.all(ODD_KEYS.filter((_key, index) => index % 2 === 0).map((key) => engine.delete(key)))
    for (const [index, key] of ODD_KEYS.entries()) assert.is(await engine.exists(key), index % 2 === 1)
  })
}

function registerRefusedKeys(test: Test<StorageContext>): void {
  test('odd keys are refused, whatever is asked', async ({ emptied }) => {
    const engine = await emptied()
    for (const key of ODD_KEYS.filter((odd) => !/^[a-z0-9]{1,128}$/.test(odd))) {
      await rejection(engine.save(key, {}), InvalidSessionKeyError)
      await rejection(engine.load(key), InvalidSessionKeyError)
      await rejection(engine.delete(key), InvalidSessionKeyError)
    }
    assert.is(await engine.count(), 0)
  })
}
