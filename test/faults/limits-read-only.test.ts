import { execFile } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type FilesOptions, files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FULL } from '../budget.js'
import { skipWhere } from '../skip.js'
import { LoopDisk, loopMissing } from './loop-disk.js'
import { mountMissing } from './missing.js'
import { SmallDisk } from './small-disk.js'

const test = suite('a disk that becomes read-only under load')

const run = promisify(execFile)
const KEYS = Array.from({ length: 60 }, (_, index) => `session-${index}`)

/** Of a remount: it takes some dozens where the disk is slow. */
const MOST_TRIES = 5_000

/** The kernel refuses while a file is open for writing: tried until there is none for a moment. */
async function remount(directory: string, mode: 'ro' | 'rw', between: () => Promise<void>): Promise<void> {
  for (let left = MOST_TRIES; ; left--) {
    try {
      // What it says is looked at.
      await run('mount', ['-o', `remount,${mode}`, directory], { env: { ...process.env, LC_ALL: 'C' } })
      return
    } catch (error) {
      if (left === 0 || !String(error).includes('busy')) throw error
      await between()
    }
  }
}

/** Saves every session over and over; knows what is stored of each. */
class Load {
  readonly stored = new Map<string, number>()
  readonly refusals: StorageError[] = []
  readonly #engine: SessionEngine
  #version = 0
  #stopped = false
  #ended: Promise<void> = Promise.resolve()

  constructor(engine: SessionEngine) {
    this.#engine = engine
  }

  begin(): void {
    this.#stopped = false
    this.#ended = this.#work()
    // Whoever ends it hears of that.
    this.#ended.catch(() => undefined)
  }

  /** Resolves when the round under way is through. */
  end(): Promise<void> {
    this.#stopped = true
    return this.#ended
  }

  /** Returns how many were refused. */
  async round(): Promise<number> {
    const version = ++this.#version
    const saves = KEYS.map(async (key) => {
      await this.#engine.save(key, { version })
      this.stored.set(key, version)
    })
    let refused = 0
    for (const outcome of await Promise.allSettled(saves)) {
      if (outcome.status === 'fulfilled') continue
      assert.instance(outcome.reason, StorageError)
      this.refusals.push(outcome.reason as StorageError)
      refused++
    }
    return refused
  }

  async assertReadable(): Promise<void> {
    const sessions = await Promise.all(KEYS.map((key) => this.#engine.load(key)))
    assert.equal(
      sessions.map((session) => session?.version),
      KEYS.map((key) => this.stored.get(key)),
    )
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      await this.round()
      await turn()
    }
  }
}

async function errnoOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    assert.instance(error, StorageError)
    return (error as StorageError).errno
  }
}

async function thereAndBack(
  disk: { readonly directory: string },
  kind: Partial<FilesOptions>,
): Promise<void> {
  const journal = kind.durability === 'journal'
  const storage = files({
    directory: `${disk.directory}/sessions`,
    ...kind,
    ...(journal ? { checkpointInterval: 600 } : {}),
  })
  const engine = new SessionEngine({ storage, threads: 2, sweepInterval: false })
  const load = new Load(engine)
  try {
    assert.is(await load.round(), 0)
    // A worker that has yet to open the directory refuses one that it cannot write to.
    assert.is(await engine.count(), KEYS.length)
    for (let time = 1; time <= 2; time++) {
      if (!journal) load.begin()
      // A journal is open for writing until a checkpoint ends it.
      await remount(disk.directory, 'ro', () => (journal ? engine.flush({ files: true }) : turn()))
      await load.end()
      assert.is(await load.round(), KEYS.length, 'nothing can be stored')
      for (const { errno } of load.refusals.splice(0)) assert.is(errno, 'EROFS')
      await load.assertReadable()
      const [first = ''] = KEYS
      assert.is(await errnoOf(engine.touch(first, { maxAge: 9_999_999 })), 'EROFS')
      assert.is(await errnoOf(engine.delete(first)), 'EROFS')
      assert.is(await engine.exists(first), true)
      if (!journal) {
        assert.is(await engine.count(), KEYS.length)
        assert.is((await engine.clearExpired()).expired, 0)
      }
      await load.assertReadable()
      await remount(disk.directory, 'rw', turn)
      assert.is(await load.round(), 0, 'all can be stored again')
      await load.assertReadable()
    }
    await engine.delete(KEYS[0] ?? '')
    assert.is(await engine.count(), KEYS.length - 1)
    await engine.close()
  } finally {
    // What is at work, or open, would keep this process from ending.
    await Promise.allSettled([load.end(), engine.close()])
  }
}

for (const durability of ['direct', 'journal'] as const) {
  for (const fsync of [false, true]) {
    const name = `${durability}${fsync ? ' with fsync' : ''}`
    if (FULL || !fsync) {
      skipWhere(mountMissing())(
        test,
        `${name}, tmpfs: saves are refused, loads go on, and back`,
        async () => {
          using disk = new SmallDisk('size=8m')
          await thereAndBack(disk, { durability, fsync })
        },
      )
    }
    if (!FULL) continue
    skipWhere(loopMissing('ext4'))(
      test,
      `${name}, ext4: saves are refused, loads go on, and back`,
      async () => {
        const disk = new LoopDisk('ext4')
        try {
          await thereAndBack(disk, { durability, fsync })
        } finally {
          disk.remove()
        }
      },
    )
  }
}

test.run()
