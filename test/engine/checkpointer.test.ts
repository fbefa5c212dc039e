import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WorkerLostError } from '#dist/src/engine/batch-carrier.js'
import { Checkpointer } from '#dist/src/engine/checkpointer.js'
import type { JournalFront } from '#dist/src/engine/journal-front.js'
import type { CheckpointAnswer, CheckpointStep } from '#dist/workers/protocol/index.js'

const test = suite('engine: checkpointer')

const NOTHING: CheckpointAnswer = { gauge: { memory: 0, disk: 0 }, entries: 0 }

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

test.run()
