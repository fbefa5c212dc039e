import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, sliceOf } from '#dist/workers/protocol/index.js'
import { budget } from '../budget.js'
import { litterOrAsideIn } from '../fixtures/litter.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import type { Call } from '../races/engine-messages.js'
import { EngineProcess } from '../races/engine-process.js'
import { skipWhere } from '../skip.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import { ENGINE_KINDS } from './engine-kinds.js'
import { fakeClockEnvironment, fakeClockMissing } from './fake-clock.js'
import { failureOf } from './faulty-engine.js'

const test = suite('the clock jumps')

const DAY = 86_400
const SESSIONS = budget({ usual: 200, full: 2_000 })
const ROUNDS = budget({ usual: 4, full: 12 })

/** An engine in a process whose clock can be set, while it runs. */
class JumpingEngine {
  readonly directory = temporaryDirectory('memory')
  readonly #clock = `${temporaryDirectory()}/clock`
  readonly remote: EngineProcess
  #version = 0

  constructor() {
    this.jump(0)
    this.remote = new EngineProcess({ environment: fakeClockEnvironment(this.#clock) })
  }

  /** Seconds from the true time on. */
  jump(seconds: number): void {
    writeFileSync(`${this.#clock}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`)
    // At once: it is read at each look at the clock.
    renameSync(`${this.#clock}.new`, this.#clock)
  }

  keys(group: string): string[] {
    return Array.from({ length: SESSIONS }, (_, index) => `${group}-${index}`)
  }

  async save(group: string, maxAge?: number): Promise<void> {
    const version = ++this.#version
    await this.all(group, 'save', { session: { version }, ...(maxAge === undefined ? {} : { maxAge }) })
  }

  /** Does the same with every session of a group; none of it must fail. */
  async all(
    group: string,
    method: Call['method'],
    rest: Omit<Call, 'method' | 'key'> = {},
  ): Promise<unknown[]> {
    const settled = await this.remote.run(this.keys(group).map((key) => ({ method, key, ...rest })))
    return settled.map((outcome) => {
      assert.is(failureOf(outcome)?.message, undefined, `${method} ${group}`)
      return 'value' in outcome ? outcome.value : undefined
    })
  }

  /** How many of a group can be loaded. */
  async alive(group: string): Promise<number> {
    return (await this.all(group, 'load')).filter((session) => session !== undefined).length
  }

  /** Saves at full speed, and sweeps meanwhile: not one save may fail. Returns what the sweeps have removed. */
  async workAndSweep(group: string): Promise<number> {
    let expired = 0
    for (let round = 0; round < ROUNDS; round++) {
      const [{ expired: swept }] = await Promise.all([
        this.remote.sweep(),
        this.save(group),
        this.save(group),
      ])
      expired += swept
    }
    return expired
  }
}

function shardOf(key: string): string {
  return sliceOf(keyHash(key)).toString(16).padStart(2, '0')
}

async function withEngine(
  durability: 'direct' | 'journal',
  fsync: boolean,
  body: (engine: JumpingEngine) => Promise<void>,
): Promise<void> {
  const engine = new JumpingEngine()
  try {
    const checkpointInterval = durability === 'journal' ? { checkpointInterval: 600 } : {}
    await engine.remote.open({
      directory: engine.directory,
      durability,
      fsync,
      threads: 2,
      ...checkpointInterval,
    })
    await body(engine)
    await engine.remote.close()
    assert.equal(litterOrAsideIn(filesBelow(engine.directory)), [])
  } finally {
    await engine.remote.kill()
  }
}

for (const [durability, fsync] of ENGINE_KINDS) {
  const title = `${durability}${fsync ? ' with fsync' : ''}`

  skipWhere(fakeClockMissing())(
    test,
    `${title}: three days forwards, nothing goes that has not expired by then`,
    () =>
      withEngine(durability, fsync, async (engine) => {
        await engine.save('weeks')
        await engine.save('four days', 4 * DAY)
        await engine.save('a day', DAY)
        assert.is(await engine.alive('a day'), SESSIONS)
        // What somebody is just writing has the time of its session's end: it is no litter.
        const fresh = join(engine.directory, shardOf('fresh'), `.${'0'.repeat(24)}-0.tmp`)
        mkdirSync(dirname(fresh), { recursive: true })
        writeFileSync(fresh, '')
        utimesSync(fresh, Date.now() / 1000 + 14 * DAY, Date.now() / 1000 + 14 * DAY)
        assert.is((await engine.remote.sweep()).orphans, 0)
        rmSync(fresh)
        engine.jump(3 * DAY)
        assert.is(await engine.alive('a day'), 0, 'the clock has reached Node and its workers')
        assert.is(await engine.workAndSweep('working'), SESSIONS, 'those of a day, and no others')
        assert.is(await engine.alive('weeks'), SESSIONS)
        assert.is(await engine.alive('four days'), SESSIONS)
        assert.is(await engine.alive('working'), SESSIONS)
        assert.is(await engine.remote.count(), 3 * SESSIONS)
        await engine.save('made ahead', DAY)
        engine.jump(0)
        // Back in the true time: what was made ahead lives until the day after the jump, and no longer.
        assert.is(await engine.alive('made ahead'), SESSIONS)
        assert.is((await engine.remote.sweep()).expired, 0)
        engine.jump(4 * DAY + 60)
        assert.is(await engine.alive('made ahead'), 0)
        assert.is(await engine.alive('four days'), 0)
        assert.is(await engine.alive('weeks'), SESSIONS)
        assert.is((await engine.remote.sweep()).expired, 2 * SESSIONS)
        assert.is(await engine.remote.count(), 2 * SESSIONS)
      }),
  )

  skipWhere(fakeClockMissing())(
    test,
    `${title}: three days back, nothing is lost and nothing lives for ever`,
    () =>
      withEngine(durability, fsync, async (engine) => {
        await engine.save('weeks')
        await engine.save('an hour', 3_600)
        await engine.all('an hour', 'delete')
        await engine.save('an hour', 3_600)
        const shard = `${engine.directory}/${readdirSync(engine.directory).find((name) => /^[0-9a-f]{2}$/.test(name)) ?? ''}`
        engine.jump(-3 * DAY)
        assert.is(await engine.workAndSweep('working'), 0)
        await engine.save('made before', 3_600)
        assert.equal(await engine.all('weeks', 'touch', { maxAge: 14 * DAY }), Array(SESSIONS).fill(true))
        await engine.all('weeks', 'update', { session: { version: 0 } })
        await engine.all('working', 'delete')
        await engine.all('working', 'create', { session: { version: 0 } })
        for (const group of ['weeks', 'an hour', 'working', 'made before'])
          assert.is(await engine.alive(group), SESSIONS, group)
        if (durability === 'direct') {
          // From the future, where nobody waits for it to grow old.
          writeFileSync(`${shard}/.${'0'.repeat(24)}-0.tmp`, '')
          assert.ok((await engine.remote.sweep()).orphans > 0, 'litter is collected')
          const claim = join(engine.directory, shardOf('claimed'), '.claimed.claim')
          mkdirSync(dirname(claim), { recursive: true })
          writeFileSync(claim, '')
          const create = { method: 'create', key: 'claimed', session: { version: 0 } } as const
          const [created] = await engine.remote.run([create])
          assert.ok(created !== undefined && 'value' in created, 'nor is a claim waited for')
          await engine.remote.run([{ method: 'delete', key: 'claimed' }])
        }
        engine.jump(0)
        assert.is(await engine.alive('made before'), 0, 'it has expired two days and 23 hours ago')
        assert.is((await engine.remote.sweep()).expired, SESSIONS)
        assert.is(await engine.alive('an hour'), SESSIONS)
        engine.jump(3_700)
        assert.is(await engine.alive('an hour'), 0)
        assert.is((await engine.remote.sweep()).expired, SESSIONS)
        assert.is(await engine.alive('weeks'), SESSIONS)
        assert.is(await engine.alive('working'), SESSIONS)
        engine.jump(18 * DAY)
        assert.is((await engine.remote.sweep()).expired, 2 * SESSIONS)
        assert.is(await engine.remote.count(), 0)
      }),
  )
}

test.run()
