import { once } from 'node:events'
import { SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { faultyFiles } from '../fixtures/faulty-files.js'

const test = suite('engine: the sweep in the background')

test('one that fails is told by an error event, and the next one goes through', async () => {
  const { storage } = faultyFiles(undefined, { exitsAtWalk: 1 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: 1 })
  const failed = once(engine, 'error')
  await engine.save('dead', {}, { maxAge: -1 })
  // Nothing else keeps the process alive while it waits.
  const alive = setInterval(() => undefined, 1_000)
  const [error] = await failed
  assert.instance(error, StorageError)
  while (engine.stats().lastSweep === undefined) await engine.exists('dead')
  clearInterval(alive)
  assert.is(engine.stats().lastSweep?.expired, 1)
  await engine.close()
})

test('one that fails where nobody listens breaks nothing', async () => {
  const { storage, count } = faultyFiles(undefined, { exitsAtWalk: 1 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: 1 })
  await engine.save('dead', {}, { maxAge: -1 })
  while (engine.stats().lastSweep === undefined) await engine.exists('dead')
  assert.is(count('walk'), 1)
  await engine.close()
})

test.run()
