import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WorkerLostError } from '#dist/src/engine/batch-carrier.js'
import { WorkerPool } from '#dist/src/engine/worker-pool.js'
import { keyHash, Opcode, RequestWriter, type StorageDescription } from '#dist/workers/protocol/index.js'
import { outcome, rejection } from '../conformance/rejections.js'
import type { PacedOptions } from '../fixtures/paced-worker.js'

const test = suite('engine: worker pool')

function oneSlot(key: string): ArrayBuffer {
  const writer = new RequestWriter(256)
  const hash = keyHash(key)
  writer.append({ opcode: Opcode.EXISTS, key, hash, expiry: 0, codec: 0, payload: undefined })
  return writer.toWire(0, [0, 0])
}

test('the answer to a batch leaves before the next one is begun', async () => {
  const answers = new Int32Array(new SharedArrayBuffer(4))
  const options: PacedOptions = { answers }
  const storage: StorageDescription = {
    kind: 'paced',
    module: new URL('../fixtures/paced-worker.js', import.meta.url).href,
    options,
    maxRecordBytes: 1024,
    listsKeys: false,
    lanes: () => 1,
  }
  const pool = new WorkerPool({ storage, threads: 1, depth: 4 })
  try {
    await pool.open()
    // All four lie ready in the worker when it begins with the first.
    const replies = ['a', 'b', 'c', 'd'].map(async (key) => {
      const reply = await pool.apply(oneSlot(key))
      Atomics.add(answers, 0, 1)
      Atomics.notify(answers, 0)
      return reply
    })
    assert.equal(await Promise.all(replies), [null, null, null, null])
  } finally {
    await pool.terminate()
  }
})

/** A storage that cannot be opened the first time; where it is opened, it notes the thread. */
const SCARCE = `
import { threadId } from 'node:worker_threads'
export function openStorage({ threads }) {
  const number = Atomics.add(threads, 0, 1)
  Atomics.store(threads, number + 1, threadId)
  if (number === 0) throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' })
  return { close() {} }
}`

test('a worker that wanted descriptors is not asked again: the next try has a new one', async () => {
  const threads = new Int32Array(new SharedArrayBuffer(12))
  const module = `data:text/javascript,${encodeURIComponent(SCARCE)}`
  const pool = new WorkerPool({ storage: { module, options: { threads } }, threads: 1, depth: 1 })
  try {
    assert.is((await pool.open())?.code, 'EMFILE')
    assert.is(await pool.open(), undefined)
    const [openings, first, second] = threads
    assert.is(openings, 2)
    assert.is.not(first, second)
    assert.is(pool.lost, 0)
  } finally {
    await pool.terminate()
  }
})

/**
 * A storage whose first thread dies of its first batch. The second one cannot open it, and never can: an import that has
 * failed stays failed.
 */
const BRIEF = `
let number
export function openStorage({ threads }) {
  number ??= Atomics.add(threads, 0, 1)
  if (number === 1) throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' })
  return {
    gauge: { memory: 0, disk: 0, append: 0 },
    apply: () => (number === 0 ? process.exit(3) : null),
    replay: () => (number === 0 ? process.exit(3) : 'replayed'),
    walk: () => (number === 0 ? process.exit(3) : { next: () => ({ done: true }) }),
    close() {},
  }
}`

const WALK = { id: 1, kind: 'count', step: 'start' } as const

for (const [name, task] of [
  ['batch', (pool) => pool.apply(oneSlot('a'))],
  ['replay', (pool) => pool.replay()],
  ['walk', (pool) => pool.walk(WALK)],
] as const satisfies readonly (readonly [string, (pool: WorkerPool) => Promise<unknown>])[]) {
  test(`a successor that wanted descriptors when a ${name} came is succeeded itself`, async () => {
    const threads = new Int32Array(new SharedArrayBuffer(4))
    const module = `data:text/javascript,${encodeURIComponent(BRIEF)}`
    const pool = new WorkerPool({ storage: { module, options: { threads } }, threads: 1, depth: 1 })
    try {
      assert.is(await pool.open(), undefined)
      await rejection(task(pool), WorkerLostError)
      const refused = await task(pool)
      if (!(refused instanceof ArrayBuffer)) assert.is((refused as { code: string }).code, 'EMFILE')
      // What it is handed before it has gone, is lost with it.
      let tries = 0
      while (Atomics.load(threads, 0) < 3 && ++tries < 100) await outcome(task(pool))
      assert.is(Atomics.load(threads, 0), 3, 'threads that have opened the storage')
    } finally {
      await pool.terminate()
    }
  })
}

test('a task that waits for the end of the workers before is lost with the pool, and starts none', async () => {
  const threads = new Int32Array(new SharedArrayBuffer(12))
  const module = `data:text/javascript,${encodeURIComponent(SCARCE)}`
  const pool = new WorkerPool({ storage: { module, options: { threads } }, threads: 1, depth: 1 })
  assert.is((await pool.open())?.code, 'EMFILE')
  const reason = new Error('the time is over')
  const waiting = rejection(pool.apply(oneSlot('a')), WorkerLostError)
  await pool.terminate(reason)
  assert.is((await waiting).cause, reason)
  assert.is(threads[0], 1, 'threads that have opened the storage')
})

test.run()
