import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SweepSchedule } from '#dist/src/engine/sweep.js'
import type { FilesWorkerOptions } from '#dist/workers/files/options.js'
import { faultyFiles } from '../fixtures/faulty-files.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import type { WalkLengthsOptions } from '../fixtures/walk-lengths-worker.js'

const test = suite('engine: the sweep in the background')

/** Milliseconds: no engine sweeps more often. */
const INTERVAL = 1_000

// Intervals pass when a test says so.
test.before.each(() => mock.timers.enable({ apis: ['setInterval'] }))
test.after.each(() => mock.timers.reset())

test('one that fails is told by an error event, the next goes through, one that a close ends has not failed', async () => {
  const { storage, directory } = faultyFiles(undefined, { exitsAtWalk: 1 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: 1 })
  await engine.save('dead', {}, { maxAge: -1 })
  const told: Error[] = []
  engine.on('error', (error) => told.push(error))
  const failed = once(engine, 'error')
  mock.timers.tick(INTERVAL)
  await failed
  assert.instance(told[0], StorageError)
  mock.timers.tick(INTERVAL)
  while (engine.stats().lastSweep === undefined) await engine.exists('dead')
  const { lastSweep } = engine.stats()
  assert.is(lastSweep?.expired, 1)
  // More than a slice of a walk.
  for (let index = 0; index < 2100; index++) writeFileSync(join(directory, `${index}.txt`), '')
  mock.timers.tick(INTERVAL)
  await engine.close()
  await new Promise(setImmediate)
  assert.is(engine.stats().lastSweep, lastSweep)
  assert.is(told.length, 1)
})

test('one takes short steps while others are at work, and long ones while nobody is', async () => {
  const real = files({ directory: temporaryDirectory(), layout: 'flat' })
  const asked = new Int32Array(new SharedArrayBuffer(8))
  const options: WalkLengthsOptions = { files: real.options as FilesWorkerOptions, asked }
  const module = new URL('../fixtures/walk-lengths-worker.js', import.meta.url).href
  const engine = new SessionEngine({
    storage: { ...real, module, options },
    threads: 1,
    sweepInterval: false,
  })
  await Promise.all(Array.from({ length: 2200 }, (_, index) => engine.save(`key-${index}`, {})))
  await engine.clearExpired()
  const [, long] = asked
  assert.is(asked[0], 0)
  assert.ok(Number(long) >= 2)
  const work: Promise<unknown>[] = []
  await engine.clearExpired({ onProgress: () => work.push(engine.save('busy', {})) })
  await Promise.all(work)
  // The first is begun by itself; nobody has an answer before the next begins.
  assert.is(asked[1], Number(long) + 1)
  assert.ok(Number(asked[0]) >= 1)
  await engine.close()
})

test('one that fails where nobody listens breaks nothing', async () => {
  const { storage, count } = faultyFiles(undefined, { exitsAtWalk: 1 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: 1 })
  await engine.save('dead', {}, { maxAge: -1 })
  mock.timers.tick(INTERVAL)
  while (count('walk') === 0) await engine.exists('dead')
  while (engine.stats().lastSweep === undefined) {
    mock.timers.tick(INTERVAL)
    await engine.exists('dead')
  }
  assert.is(count('walk'), 1)
  await engine.close()
})

test('one begins when that before it is through', async () => {
  const finish: (() => void)[] = []
  const schedule = new SweepSchedule(1, () => new Promise((resolve) => finish.push(resolve)))
  mock.timers.tick(3 * INTERVAL)
  assert.is(finish.length, 1)
  finish[0]?.()
  await new Promise(setImmediate)
  mock.timers.tick(INTERVAL)
  assert.is(finish.length, 2)
  finish[1]?.()
  await new Promise(setImmediate)
  schedule.stop()
  mock.timers.tick(INTERVAL)
  assert.is(finish.length, 2)
})

test.run()
