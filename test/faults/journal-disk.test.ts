import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settled } from '../races/engine-messages.js'
import { skipWhere } from '../skip.js'
import { faultsMissing } from './fault.js'
import { FaultyEngine, failureOf } from './faulty-engine.js'
import { LoopDisk, loopMissing } from './loop-disk.js'
import { mountMissing } from './missing.js'
import { SmallDisk } from './small-disk.js'

const full = suite('the disk under a journal is full')

const KEYS = Array.from({ length: 20 }, (_, index) => `key-${index}`)
/** Larger than what is left, all together; each one smaller. */
const TEXT = 'x'.repeat(20_000)
const LEFT = 100_000

interface Disk {
  readonly directory: string
  fill(left: number): void
  empty(): void
}

/** Saves a version of every key at once; which of them were acknowledged. The others were refused for want of room. */
async function saveAll(engine: FaultyEngine, version: number): Promise<string[]> {
  const calls = KEYS.map((key) => ({ method: 'save', key, session: { version, text: TEXT } }) as const)
  const settled: (Settled | undefined)[] = []
  // One by one, and all of them in a few batches.
  for (const call of calls.slice(0, 10)) settled.push(...(await engine.remote.run([call])))
  settled.push(...(await engine.remote.run(calls.slice(10))))
  return KEYS.filter((_, index) => {
    const failure = failureOf(settled[index])
    if (failure !== undefined) assert.is(failure.errno, 'ENOSPC', failure.message)
    return failure === undefined
  })
}

async function fillAndFree(disk: Disk, fsync: boolean): Promise<void> {
  const directory = `${disk.directory}/sessions`
  await FaultyEngine.with({ directory, fsync }, async (engine) => {
    const stored = new Map<string, number>()
    const save = async (version: number): Promise<number> => {
      const acknowledged = await saveAll(engine, version)
      for (const key of acknowledged) stored.set(key, version)
      return acknowledged.length
    }
    const assertLoads = async (): Promise<void> => {
      for (const key of KEYS) assert.is(await engine.load(key), stored.get(key), key)
    }
    let version = 1
    assert.is(await save(version), KEYS.length)
    for (const brought of [true, false]) {
      disk.fill(LEFT)
      // What the journal has kept to be written over is room, too.
      let acknowledged = KEYS.length
      for (let round = 0; round < 10 && acknowledged === KEYS.length; round++)
        acknowledged = await save(++version)
      assert.ok(acknowledged < KEYS.length, 'not everything found room')
      await assertLoads()
      // What is in the journal has to wait for its files.
      assert.is((await engine.flush())?.errno, 'ENOSPC')
      await assertLoads()
      disk.empty()
      assert.is(await save(++version), KEYS.length, 'there is room again')
      if (brought) assert.is(await engine.flush(), undefined)
    }
    disk.fill(LEFT)
    await save(++version)
    await engine.remote.kill()
    disk.empty()
    assert.equal(
      await engine.versionsAfterKill(KEYS),
      KEYS.map((key) => stored.get(key)),
    )
  })
}

for (const fsync of [false, true]) {
  const suffix = fsync ? ', with fsync' : ''

  skipWhere(mountMissing() ?? faultsMissing())(
    full,
    `tmpfs: work goes on when there is room again${suffix}`,
    async () => {
      using disk = new SmallDisk('size=4m')
      await fillAndFree(disk, fsync)
    },
  )

  skipWhere(loopMissing('ext4') ?? faultsMissing())(
    full,
    `ext4: work goes on when there is room again${suffix}`,
    async () => {
      const disk = new LoopDisk('ext4')
      try {
        await fillAndFree(disk, fsync)
      } finally {
        disk.remove()
      }
    },
  )
}

full.run()
