import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionEngine, StorageError } from 'coatcheck'
import { Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { registerDjangoBehaviours } from './django-behaviours.js'
import { makeSubjects, sessionFiles } from './engines.js'

for (const subject of makeSubjects()) {
  const test = suite(`session: Django's behaviours, ${subject.name}`)
  test.after(() => subject.engine.close())
  registerDjangoBehaviours(test, subject)

  // The four that Django has of its file backend.

  test('a place that is no directory is refused when the engine opens', async () => {
    const parent = temporaryDirectory('memory')
    writeFileSync(join(parent, 'file'), '')
    const engine = new SessionEngine({ directory: join(parent, 'file', 'sessions'), threads: 1 })
    const session = new Session({ engine })
    await rejection(engine.ready(), StorageError)
    await rejection(session.save(), StorageError)
    assert.is(session.key, undefined)
    await engine.close()
  })

  for (const [name, key] of [
    ['backslashes', 'a\\b\\c\\d\\e'],
    ['slashes', '../../a/b/c'],
  ] as const) {
    test(`a key with ${name} never becomes a file name`, async () => {
      const accepted = subject.engine.stats().accepted
      const session = await new Session({ engine: subject.engine, key }).load()
      assert.is(session.key, undefined)
      assert.is(await session.exists(key), false)
      await session.destroy(key)
      assert.is(subject.engine.stats().accepted, accepted, 'the engine has not heard of it')
    })
  }

  test('sessions that have expired are cleared, those that have not are not', async () => {
    const { engine } = subject
    await engine.clear()
    const alive = new Session({ engine, maxAge: 1 })
    alive.set('foo', 'bar').setExpiry(3600)
    const past = new Session({ engine })
    past.set('foo', 'bar').setExpiry(-3600)
    const present = new Session({ engine })
    present.set('foo', 'bar').setExpiry(new Date())
    await Promise.all([alive, past, present].map((session) => session.save()))
    await engine.flush({ files: true })
    await engine.clearExpired()
    assert.equal(
      sessionFiles(subject.directory).map((name) => name.slice(-32)),
      [alive.key],
    )
  })

  test.run()
}
