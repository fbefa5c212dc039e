import { StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WorkerLostError } from '#dist/src/engine/batch-carrier.js'
import { Checkpointer } from '#dist/src/engine/checkpointer.js'
import type { JournalFront } from '#dist/src/engine/journal-front.js'
import type { CheckpointAnswer, CheckpointStep } from '#dist/workers/protocol/index.js'
import { rejection } from '../conformance/rejections.js'

const test = suite('engine: checkpointer')

const NOTHING: CheckpointAnswer = { gauge: { memory: 0, disk: 0, append: 0 }, entries: 0 }

test('a checkpoint begins anew only when no slice of the one before is being written any more', async () => {
  const steps: string[] = []
  let slices = 0
  let finish: () => void = () => undefined
  const written = new Promise<null>((resolve) => {
    finish = () => resolve(null)
  })
  const front = {
    checkpoint: async ({ kind }: CheckpointStep): Promise<CheckpointAnswer> => {
      steps.push(kind)
      if (kind !== 'next') return NOTHING
      slices++
      // Of two that write in turn, the first has a slice in its hands when the second loses the journal's worker.
      if (slices === 1) return { ...NOTHING, slice: { id: 1, wire: new ArrayBuffer(0) } }
      if (slices === 2) throw new WorkerLostError('the worker has died')
      return NOTHING
    },
  }
  const checkpointer = new Checkpointer({
    front: front as unknown as JournalFront,
    files: { apply: () => written, takeSpare: () => undefined },
    threads: 3,
    interval: 1_000_000,
    diskBytes: 1,
    memoryBytes: 1,
    filesRead: () => Promise.resolve(),
    hot: undefined,
    onFailure: () => undefined,
  })
  const flushed = checkpointer.flush()
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  assert.equal(steps, ['begin', 'next', 'next'])
  finish()
  await flushed
  assert.equal(steps, ['begin', 'next', 'next', 'next', 'begin', 'next', 'next', 'end'])
  await checkpointer.stop()
})

/** A journal that holds so many slices, and files that write when they are told to. */
class Slow {
  readonly steps: string[] = []
  readonly checkpointer: Checkpointer
  #left: number
  readonly #writing: (() => void)[] = []

  constructor({ slices, threads }: { slices: number; threads: number }) {
    this.#left = slices
    const front = {
      checkpoint: async ({ kind }: CheckpointStep): Promise<CheckpointAnswer> => {
        this.steps.push(kind)
        if (kind !== 'next' || this.#left === 0) return NOTHING
        return { ...NOTHING, slice: { id: this.#left--, wire: new ArrayBuffer(0) } }
      },
    }
    this.checkpointer = new Checkpointer({
      front: front as unknown as JournalFront,
      files: {
        apply: () => new Promise((resolve) => this.#writing.push(() => resolve(null))),
        takeSpare: () => undefined,
      },
      threads,
      interval: 1_000_000,
      diskBytes: 4096,
      memoryBytes: 2048,
      filesRead: () => Promise.resolve(),
      hot: undefined,
      onFailure: () => undefined,
    })
  }

  /** How many slices are being written when nothing moves any more. */
  async underWay(): Promise<number> {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    return this.#writing.length
  }

  finishOne(): void {
    this.#writing.shift()?.()
  }
}

test('one worker is left to loads, until the journal grows over a mark while the checkpoint is under way', async () => {
  for (const gauge of [
    { memory: 3, disk: 3, append: 0 },
    { memory: 0, disk: 5, append: 0 },
  ]) {
    const slow = new Slow({ slices: 6, threads: 3 })
    const { checkpointer } = slow
    const flushed = checkpointer.flush()
    assert.is(await slow.underWay(), 2)
    checkpointer.noteGauge({ memory: 1, disk: 1, append: 0 })
    assert.is(await slow.underWay(), 2, 'below the marks')
    checkpointer.noteGauge(gauge)
    assert.is(await slow.underWay(), 3, 'over a mark')
    while ((await slow.underWay()) > 0) {
      slow.finishOne()
      // When there is nothing to be taken any more, nobody is to ask again and again.
      checkpointer.noteGauge(gauge)
    }
    await flushed
    assert.is(slow.steps.filter((kind) => kind === 'next').length, 6 + 3)
    await checkpointer.stop()
  }
})

test('a journal that grows over a mark is brought to files at once, by all workers', async () => {
  for (const gauge of [
    { memory: 3, disk: 3, append: 0 },
    { memory: 0, disk: 5, append: 0 },
  ]) {
    const slow = new Slow({ slices: 6, threads: 3 })
    const { checkpointer } = slow
    checkpointer.noteGauge({ memory: 1, disk: 1, append: 0 })
    assert.is(await slow.underWay(), 0)
    assert.equal(slow.steps, [])
    checkpointer.noteGauge(gauge)
    assert.is(await slow.underWay(), 3)
    while ((await slow.underWay()) > 0) slow.finishOne()
    assert.is(slow.steps.at(-1), 'end')
    await checkpointer.stop()
  }
})

test('what is left at the end is written by all workers', async () => {
  const slow = new Slow({ slices: 6, threads: 3 })
  await slow.checkpointer.stop()
  const flushed = slow.checkpointer.flush()
  assert.is(await slow.underWay(), 3)
  while ((await slow.underWay()) > 0) slow.finishOne()
  await flushed
})

/** A checkpointer over a journal and files that do as they are told, and what was asked of the journal. */
function scripted({
  step = () => NOTHING,
  apply = () => Promise.resolve(null),
}: {
  readonly step?: (step: CheckpointStep) => CheckpointAnswer
  readonly apply?: () => Promise<null>
}): { readonly checkpointer: Checkpointer; readonly steps: CheckpointStep[]; readonly told: StorageError[] } {
  const steps: CheckpointStep[] = []
  const told: StorageError[] = []
  const front = {
    checkpoint: async (one: CheckpointStep): Promise<CheckpointAnswer> => {
      steps.push(one)
      return step(one)
    },
  }
  const checkpointer = new Checkpointer({
    front: front as unknown as JournalFront,
    files: { apply, takeSpare: () => undefined },
    threads: 1,
    interval: 1_000_000,
    diskBytes: 4096,
    memoryBytes: 2048,
    filesRead: () => Promise.resolve(),
    hot: undefined,
    onFailure: (error) => told.push(error),
  })
  return { checkpointer, steps, told }
}

const SLICE: CheckpointAnswer = { ...NOTHING, slice: { id: 7, wire: new ArrayBuffer(0) } }

test('a checkpoint begins anew when the journal has lost its worker, but not for ever', async () => {
  const reason = new Error('out of luck')
  const { checkpointer, steps } = scripted({
    step: () => {
      throw new WorkerLostError('the worker has died', { cause: reason })
    },
  })
  const error = await rejection(checkpointer.flush(), StorageError)
  assert.is(error.errno, 'WORKER_LOST')
  assert.is(error.cause, reason)
  assert.equal(
    steps.map(({ kind }) => kind),
    ['begin', 'begin', 'begin'],
  )
  await checkpointer.stop()
})

test('a checkpoint of an engine that is closed at once does not begin anew', async () => {
  const reason = new StorageError('CLOSE_TIMEOUT', 'closed before all was stored')
  const { checkpointer, steps } = scripted({
    step: () => {
      throw new WorkerLostError('the pool is closed', { cause: reason })
    },
  })
  assert.is(await rejection(checkpointer.flush(), StorageError), reason)
  assert.is(steps.length, 1)
  await checkpointer.stop()
})

test('what becomes of a slice whose worker has died, the journal decides', async () => {
  let left = 1
  const { checkpointer, steps } = scripted({
    step: ({ kind }) => (kind === 'next' && left-- > 0 ? SLICE : NOTHING),
    apply: () => Promise.reject(new WorkerLostError('the worker has died')),
  })
  await checkpointer.flush()
  assert.equal(steps, [
    { kind: 'begin' },
    { kind: 'next' },
    { kind: 'next', stored: { id: 7, reply: 'lost' } },
    { kind: 'end' },
  ])
  await checkpointer.stop()
})

test('a checkpoint that fails for an unknown reason does not begin anew, and the reason is told', async () => {
  const reason = new RangeError('Array buffer allocation failed')
  const { checkpointer, steps, told } = scripted({ step: () => SLICE, apply: () => Promise.reject(reason) })
  const error = await rejection(checkpointer.flush(), StorageError)
  assert.is(error.errno, 'UNKNOWN')
  assert.is(error.cause, reason)
  assert.equal(steps, [{ kind: 'begin' }, { kind: 'next' }])
  assert.equal(told, [], 'who waits for it is told by the rejection')
  // In the background, and after a failure no earlier than a breather later.
  checkpointer.noteGauge({ memory: 3, disk: 3, append: 0 })
  assert.is(steps.length, 2)
  checkpointer.begin()
  while (told.length === 0) await new Promise(setImmediate)
  assert.is(told[0]?.cause, reason)
  // The failure of one that is under way when the engine closes is that of the close.
  checkpointer.begin()
  await checkpointer.stop()
  assert.is(told.length, 1)
})

test.run()
