import { SessionEngine } from 'coatcheck'
import { Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
const test = suite('session: basics')

test.after(() => engine.close())

test('what is saved is loaded by the next request', async () => {
  const first = new Session({ engine })
  first.set('user', 42)
  await first.save()
  assert.match(first.key ?? '', /^[a-z0-9]{32}$/)
  const second = await new Session({ engine, key: first.key }).load()
  assert.is(second.get('user'), 42)
  await second.cycleKey()
  assert.is(await second.exists(first.key), false)
  assert.is.not(second.key, first.key)
  await second.flush()
  assert.is(second.key, undefined)
  assert.is(await engine.count(), 0)
})

test.run()
