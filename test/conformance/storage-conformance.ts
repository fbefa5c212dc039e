import { EngineClosedError, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { registerKeys } from './keys.js'
import { registerOperations } from './operations.js'
import { registerOrder } from './order.js'
import { rejection } from './rejections.js'
import { optionsOf, provideEngines, type StorageContext, type StorageSubject } from './subject.js'
import { registerVersions } from './versions.js'

/**
 * What every storage has to do, whatever it is: the engine's operations and promises, as a caller sees them. Written
 * once; each storage runs it unchanged.
 */
export function registerStorageConformance(subject: StorageSubject): void {
  const test = suite<StorageContext>(`storage conformance: ${subject.name}`)
  provideEngines(test, subject)
  const { storage, cleanup } = subject.makeStorage()
  const { listsKeys, expiresItself = false } = storage
  test.after(cleanup)

  registerOperations(test)
  registerKeys(test, { listsKeys, anyKeys: subject.anyKeys, expiresItself })
  registerOrder(test)
  registerVersions(test, subject.anyKeys)

  if (!listsKeys) {
    test('keys that are not stored cannot be listed', async ({ engine }) => {
      const error = await engine
        .keys()
        .next()
        .catch((reason: unknown) => reason)
      assert.is((error as { code?: string }).code, 'COATCHECK_UNSUPPORTED')
    })
  }

  test('close stores everything accepted, and the next engine finds it', async () => {
    const first = new SessionEngine({ storage, threads: subject.threads, ...optionsOf(subject) })
    const saves = Array.from({ length: 200 }, (_, index) => first.save(`session${index}`, { index }))
    await first.close()
    await Promise.all(saves)
    await rejection(first.load('session0'), EngineClosedError)
    const second = new SessionEngine({ storage, threads: subject.threads, ...optionsOf(subject) })
    for (let index = 0; index < 200; index += 20)
      assert.equal(await second.load(`session${index}`), { index })
    assert.is(await second.count(), 200)
    await second.close()
  })

  test.run()
}
