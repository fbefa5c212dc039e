import { existsSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { rejection } from '../conformance/rejections.js'
import { crashChoice } from '../crash-seed.js'
import type { RemoteFailure } from '../races/engine-messages.js'
import { EngineProcess, RemoteError } from '../races/engine-process.js'
import { skipWhere } from '../skip.js'
import { type FaultPlan, faultsMissing } from './fault.js'
import { FaultyEngine } from './faulty-engine.js'

const errors = suite('system calls of a journal fail')
const needsFaults = skipWhere(faultsMissing())
/** The usual run has half of those that are tried with fsync and without, the other half the next time. */
const turns = budget({ usual: 2, full: 1 })
let turn = crashChoice('turn', turns)

function inTurn(title: string, body: () => Promise<void>): void {
  if (turn++ % turns === 0) needsFaults(errors, title, body)
}

const KEY = 'k'
/** In the path of every segment. */
const SEGMENT = '.log'
/** In the path of a segment's file that is kept to be written over. */
const SPARE = 'spare-'
/** How a segment leaves the journal: with fsync, its file is kept. */
const REMOVALS = ['unlink', 'rename'] as const
/** In the path of every session's file, until it is in place. */
const TEMPORARY = '.tmp'

function assertStorageError(failure: RemoteFailure | undefined, errno: string): void {
  assert.equal([failure?.name, failure?.errno], ['StorageError', errno])
}

for (const fsync of [false, true]) {
  const suffix = fsync ? ', with fsync' : ''

  for (const action of ['ENOSPC', 'EIO', 'EFBIG'] as const) {
    inTurn(`an append fails once, and then for a while: ${action}${suffix}`, async () => {
      await FaultyEngine.with({ fsync }, async (engine) => {
        const { fault } = engine
        assert.is(await engine.save(KEY, 1), undefined)
        fault.set({ calls: ['write'], action, path: SEGMENT, count: 1 })
        assertStorageError(await engine.save(KEY, 2), action)
        assert.is(await engine.load(KEY), 1)
        assert.is(await engine.save(KEY, 3), undefined)
        fault.set({ calls: ['write'], action, path: SEGMENT })
        for (let version = 4; version < 8; version++)
          assertStorageError(await engine.save(KEY, version), action)
        assert.is(await engine.load(KEY), 3)
        fault.lift()
        assert.is(await engine.save('other', 8), undefined)
        assert.equal(await engine.versionsAfterKill([KEY, 'other']), [3, 8])
      })
    })
  }

  for (const action of ['shorten', 'break'] as const) {
    inTurn(`a short write is continued: ${action}${suffix}`, async () => {
      await FaultyEngine.with({ fsync }, async (engine) => {
        assert.is(await engine.save(KEY, 1), undefined)
        // After these two there is room again.
        engine.fault.set({ calls: ['write'], action, path: SEGMENT, count: 2 })
        assert.is(await engine.save(KEY, 2, 'x'.repeat(10_000)), undefined)
        assert.is(engine.fault.fired, 2)
        assert.equal(await engine.versionsAfterKill([KEY]), [2])
      })
    })
  }

  inTurn(`a write that stops half-way is cut off${suffix}`, async () => {
    await FaultyEngine.with({ fsync }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      engine.fault.set({ calls: ['write'], action: 'break', path: SEGMENT })
      assertStorageError(await engine.save(KEY, 2, 'x'.repeat(10_000)), 'ENOSPC')
      engine.fault.lift()
      assert.is(await engine.load(KEY), 1)
      assert.is(await engine.save('other', 3), undefined)
      assert.is(engine.segments.length, 1)
      assert.equal(await engine.versionsAfterKill([KEY, 'other']), [1, 3])
    })
  })

  inTurn(`what cannot be cut off again is void: neither version comes back${suffix}`, async () => {
    await FaultyEngine.with({ fsync }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      engine.fault.set({ calls: ['write', 'truncate'], action: 'EIO', path: SEGMENT, count: 2 })
      assertStorageError(await engine.save(KEY, 2), 'EIO')
      assert.is(engine.fault.fired, 2)
      assert.is(await engine.save('other', 3), undefined)
      assert.is(engine.segments.length, 2)
      assert.equal(await engine.versionsAfterKill([KEY, 'other']), [1, 3])
    })
  })

  const steps: readonly (Pick<FaultPlan, 'calls' | 'action'> & { readonly path?: string })[] = [
    { calls: ['create'], action: 'EMFILE', path: SEGMENT },
    { calls: ['create'], action: 'ENOSPC', path: SEGMENT },
    { calls: ['write'], action: 'ENOSPC', path: SEGMENT },
    ...(fsync
      ? [
          { calls: ['fdatasync'], action: 'EIO', path: SEGMENT } as const,
          { calls: ['fsync'], action: 'EIO', path: '.journal' } as const,
        ]
      : []),
  ]
  for (const plan of steps) {
    const title = `a segment cannot be made: ${plan.calls.join()} says ${plan.action}${suffix}`
    inTurn(title, async () => {
      await FaultyEngine.with({ fsync }, async (engine) => {
        // With fsync, later ones are made of spares.
        const versions = fsync ? [1] : [1, 3, 5]
        for (const version of versions) {
          engine.fault.set(plan)
          assertStorageError(await engine.save(KEY, version), plan.action)
          assert.equal(engine.segments, [], 'nothing of it is left')
          engine.fault.lift()
          assert.is(await engine.save(KEY, version + 1), undefined)
          // The next save needs a new segment.
          if (version < 5) assert.is(await engine.flush(), undefined)
        }
        assert.equal(await engine.versionsAfterKill([KEY]), [fsync ? 2 : 6])
      })
    })
  }

  for (const plan of [
    { calls: ['rename'], action: 'EIO' },
    { calls: ['create'], action: 'EMFILE' },
    { calls: ['write'], action: 'ENOSPC' },
    ...(fsync ? [{ calls: ['fsync'], action: 'EIO' } as const] : []),
  ] as const) {
    const title = `a checkpoint fails: ${plan.calls.join()} says ${plan.action}${suffix}`
    inTurn(title, async () => {
      await FaultyEngine.with({ fsync, checkpointInterval: 0.02 }, async (engine) => {
        engine.fault.set({ ...plan, path: TEMPORARY })
        assert.is(await engine.save(KEY, 1), undefined)
        let told: readonly RemoteFailure[] = []
        while (told.length === 0) told = await engine.remote.errors()
        assertStorageError(told[0], plan.action)
        assertStorageError(await engine.flush(), plan.action)
        assert.is(await engine.load(KEY), 1)
        assert.is(await engine.save('other', 2), undefined)
        engine.fault.lift()
        assert.is(await engine.flush(), undefined)
        assert.equal(engine.segments, [])
        assert.equal(await engine.versionsAfterKill([KEY, 'other']), [1, 2])
      })
    })
  }

  inTurn(`a segment cannot be removed: none that is newer goes before it${suffix}`, async () => {
    await FaultyEngine.with({ fsync }, async (engine) => {
      const { fault } = engine
      assert.is(await engine.save(KEY, 1), undefined)
      fault.set({ calls: ['rename'], action: 'EIO', path: TEMPORARY })
      assertStorageError(await engine.flush(), 'EIO')
      assert.is(await engine.save(KEY, 2), undefined)
      assert.is(engine.segments.length, 2)
      // The first is removed, the second is not. The other way round, the first would bring back what it holds.
      fault.set({ calls: REMOVALS, action: 'EIO', path: SEGMENT, first: 2 })
      assertStorageError(await engine.flush(), 'EIO')
      assert.is(engine.segments.length, 1)
      assert.equal(await engine.versionsAfterKill([KEY]), [2])
      assert.not.ok(existsSync(`${engine.directory}/.journal`))
    })
  })

  inTurn(`a segment that could not be removed goes with the next checkpoint${suffix}`, async () => {
    await FaultyEngine.with({ fsync }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      engine.fault.set({ calls: REMOVALS, action: 'EIO', path: SEGMENT })
      assertStorageError(await engine.flush(), 'EIO')
      assert.is(await engine.save(KEY, 2), undefined)
      engine.fault.lift()
      assert.is(await engine.flush(), undefined)
      assert.equal(engine.segments, [])
      assert.equal(await engine.versionsAfterKill([KEY]), [2])
    })
  })
}

for (const plan of [
  { calls: ['write'], action: 'EIO', path: SPARE },
  { calls: ['fdatasync'], action: 'EIO', path: SPARE },
  { calls: ['rename'], action: 'EIO', path: SPARE },
  { calls: ['fsync'], action: 'EIO', path: '.journal' },
] as const) {
  const title = `a segment cannot be made of a spare: ${plan.calls.join()} of ${plan.path} says ${plan.action}`
  needsFaults(errors, title, async () => {
    await FaultyEngine.with({ fsync: true }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      assert.is(await engine.flush(), undefined)
      assert.is(engine.spares.length, 1)
      engine.fault.set(plan)
      assertStorageError(await engine.save(KEY, 2), plan.action)
      assert.equal([engine.segments, engine.spares], [[], []], 'nothing of it is left')
      engine.fault.lift()
      assert.is(await engine.load(KEY), 1)
      assert.is(await engine.save(KEY, 3), undefined)
      assert.equal(await engine.versionsAfterKill([KEY]), [3])
      assert.not.ok(existsSync(`${engine.directory}/.journal`))
    })
  })
}

needsFaults(errors, 'a full disk takes the room of spares back', async () => {
  await FaultyEngine.with({ fsync: true }, async (engine) => {
    assert.is(await engine.save(KEY, 1), undefined)
    assert.is(await engine.flush(), undefined)
    assert.is(await engine.save(KEY, 2), undefined)
    assert.is(await engine.flush(), undefined)
    assert.is(engine.spares.length, 1)
    engine.fault.set({ calls: ['write'], action: 'ENOSPC', path: TEMPORARY })
    assert.is(await engine.save('other', 3), undefined)
    assertStorageError(await engine.flush(), 'ENOSPC')
    assert.equal(engine.spares, [])
    engine.fault.lift()
    assert.is(await engine.flush(), undefined)
    assert.equal(await engine.versionsAfterKill([KEY, 'other']), [2, 3])
  })
})

needsFaults(errors, 'a spare that cannot be put aside for good is not written over', async () => {
  await FaultyEngine.with({ fsync: true }, async (engine) => {
    assert.is(await engine.save(KEY, 1), undefined)
    // Session files are synced in other directories.
    engine.fault.set({ calls: ['fsync'], action: 'EIO', path: '.journal' })
    assertStorageError(await engine.flush(), 'EIO')
    engine.fault.lift()
    assert.is(await engine.save(KEY, 2), undefined)
    assert.is(engine.segments.length, 1)
    assert.is(engine.spares.length, 1, 'the new segment is not made of it')
    assert.is(await engine.flush(), undefined)
    assert.equal(await engine.versionsAfterKill([KEY]), [2])
    assert.not.ok(existsSync(`${engine.directory}/.journal`))
  })
})

needsFaults(
  errors,
  'a sync that fails is not tried again: what follows goes into a new segment',
  async () => {
    await FaultyEngine.with({ fsync: true }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      const [first = ''] = engine.segments
      engine.fault.set({ calls: ['fdatasync'], action: 'EIO', path: first, count: 1 })
      assertStorageError(await engine.save(KEY, 2), 'EIO')
      assert.is(await engine.load(KEY), 1)
      assert.is(await engine.save('other', 3), undefined)
      assert.is(await engine.save('another', 4), undefined)
      assert.is(engine.fault.hits, 1, 'the segment was not synced a second time')
      assert.is(engine.segments.length, 2)
      assert.equal(await engine.versionsAfterKill([KEY, 'other', 'another']), [1, 3, 4])
    })
  },
)

needsFaults(
  errors,
  'a sync that fails, and a process that dies at once: the rejected save is gone',
  async () => {
    await FaultyEngine.with({ fsync: true }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      engine.fault.set({ calls: ['fdatasync'], action: 'EIO', path: SEGMENT, count: 1 })
      assertStorageError(await engine.save(KEY, 2), 'EIO')
      assert.equal(await engine.versionsAfterKill([KEY]), [1])
    })
  },
)

needsFaults(
  errors,
  'a sync fails and nothing can be cut off: the rejected save is void all the same',
  async () => {
    await FaultyEngine.with({ fsync: true }, async (engine) => {
      assert.is(await engine.save(KEY, 1), undefined)
      const plan = { calls: ['fdatasync', 'truncate'], action: 'EIO', path: SEGMENT, count: 2 } as const
      engine.fault.set(plan)
      assertStorageError(await engine.save(KEY, 2), 'EIO')
      assert.is(engine.fault.fired, 2)
      assert.is(await engine.save('other', 3), undefined)
      assert.equal(await engine.versionsAfterKill([KEY, 'other']), [1, 3])
    })
  },
)

needsFaults(
  errors,
  'what is left of a dead engine is synced before anything else, or the opening fails',
  async () => {
    await FaultyEngine.with({ fsync: true }, async (dead) => {
      const { directory, fault } = dead
      assert.is(await dead.save(KEY, 1), undefined)
      await dead.remote.kill()
      fault.set({ calls: ['fdatasync'], action: 'EIO', path: SEGMENT, count: 1 })
      const next = new EngineProcess({ environment: fault.environment })
      try {
        const options = { directory, durability: 'journal', fsync: true } as const
        const refused = await rejection(next.open(options), RemoteError)
        assertStorageError(refused.failure, 'EIO')
        await next.open(options)
        assert.equal(await next.run([{ method: 'exists', key: KEY }]), [{ value: true }])
      } finally {
        await next.kill()
      }
    })
  },
)

errors.run()
