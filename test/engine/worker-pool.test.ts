import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WorkerPool } from '#dist/src/engine/worker-pool.js'
import { keyHash, Opcode, RequestWriter, type StorageDescription } from '#dist/workers/protocol/index.js'
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

test.run()
