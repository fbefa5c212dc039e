import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import type { Call, Condition } from '../races/engine-messages.js'
import { EngineProcess, RemoteError } from '../races/engine-process.js'
import { skipWhere } from '../skip.js'
import { ENGINE_KINDS } from './engine-kinds.js'
import { freezingMissing, whileFrozen } from './frozen-disk.js'
import { LoopDisk, loopMissing } from './loop-disk.js'

const test = suite('a disk that stands still')

const MIB = 2 ** 20
const KEYS = 400
const MOST = { operations: 3_000, bytes: 4 * MIB } as const
/** Of these, the bytes are too many first; of those, the operations. */
const LONG = 'x'.repeat(4_000)
const SHORT = 'x'
/** Calls of one flood. */
const FLOOD = 1_000
/** Milliseconds that it stands still, at the least: what is pending must not grow with time. */
const STANDSTILL = budget({ usual: 0, full: 10_000 })
const MOST_REFUSED = 15_000
/** Less than half of what the refused sessions take where they are long; a few floods may be on their way. */
const ALLOWED_MEMORY = 24 * MIB
/** Bytes; the process keeps a promise of each call to tell what became of it. */
const KEPT_OF_CALL = 128

const key = (number: number): string => `session-${number % KEYS}`

class Flood {
  readonly calls: Call[] = []
  readonly #remote: EngineProcess
  readonly #text: string

  constructor(remote: EngineProcess, text: string) {
    this.#remote = remote
    this.#text = text
  }

  async more(count = FLOOD): Promise<void> {
    const first = this.calls.length
    const calls = Array.from({ length: count }, (_, index): Call => {
      const version = first + index
      return { method: 'save', key: key(version), session: { version, text: this.#text } }
    })
    this.calls.push(...calls)
    await this.#remote.flood(calls)
  }

  /** The newest version of each key that was acknowledged; whatever was not, was refused. */
  async acknowledged(): Promise<Map<string, number>> {
    const newest = new Map<string, number>()
    for (const [index, settled] of (await this.#remote.flooded()).entries()) {
      const call = this.calls[index]
      if (call === undefined) throw new Error('more was settled than was called')
      if ('failure' in settled) assert.is(settled.error, 'OverloadedError', settled.failure.message)
      else newest.set(call.key, call.session?.version as number)
    }
    return newest
  }
}

function refused({ failed }: Condition): number {
  return failed.OverloadedError ?? 0
}

async function standStill(durability: 'direct' | 'journal', fsync: boolean): Promise<void> {
  const disk = new LoopDisk('ext4')
  const remote = new EngineProcess()
  try {
    const directory = `${disk.directory}/sessions`
    await remote.open({ directory, durability, fsync, threads: 2, maxPending: MOST })
    const flood = new Flood(remote, fsync ? SHORT : LONG)
    await flood.more()
    await whileFrozen(disk.directory, async () => {
      const before = await remote.condition()
      const since = performance.now()
      let now = before
      let firstRefused: Condition | undefined
      // Each answer comes from an event loop that is alive.
      while (refused(now) < MOST_REFUSED || performance.now() - since < STANDSTILL) {
        await flood.more(refused(now) < MOST_REFUSED ? FLOOD : FLOOD / 20)
        now = await remote.condition()
        const { operations, bytes } = now.statistics.pending
        assert.ok(operations <= MOST.operations, `${operations} operations are pending`)
        assert.ok(bytes <= MOST.bytes, `${bytes} bytes are pending`)
        if (refused(now) === 0) continue
        firstRefused ??= now
        const grown = now.memory - firstRefused.memory
        const allowed = ALLOWED_MEMORY + flood.calls.length * KEPT_OF_CALL
        assert.ok(grown < allowed, `${grown / MIB} MiB more since the first was refused`)
      }
      const { statistics, done } = now
      assert.ok(statistics.pending.operations > 0, 'what was accepted waits')
      assert.is(done + refused(now) + statistics.pending.operations, flood.calls.length)
    })
    const acknowledged = await flood.acknowledged()
    assert.is(acknowledged.size, KEYS)
    const keys = [...acknowledged.keys()]
    const loaded = await remote.run(keys.map((name) => ({ method: 'load', key: name })))
    for (const [index, name] of keys.entries()) {
      const settled = loaded[index]
      const session = settled !== undefined && 'value' in settled ? settled.value : undefined
      assert.is((session as { version: number } | undefined)?.version, acknowledged.get(name), name)
    }
    assert.equal((await remote.condition()).statistics.pending, { operations: 0, bytes: 0 })
    await remote.close()
  } finally {
    await remote.kill()
    disk.remove()
  }
}

for (const [durability, fsync] of ENGINE_KINDS) {
  const title = `${durability}${fsync ? ' with fsync' : ''}: what is too much is refused at once, what was accepted is stored`
  skipWhere(loopMissing('ext4') ?? freezingMissing())(test, title, () => standStill(durability, fsync))
}

/** Whether a thread of a process waits for what nothing can wake it from: it cannot be ended. */
function hangs({ pid }: EngineProcess): boolean {
  const threads = `/proc/${pid}/task`
  return readdirSync(threads).some((thread) => {
    const path = `${threads}/${thread}/stat`
    return existsSync(path) && readFileSync(path, 'utf8').includes(') D ')
  })
}

/** The marks of owners in a directory. */
function owners(directory: string): readonly string[] {
  return readdirSync(`${directory}/.journal`).filter((name) => name.startsWith('owner-'))
}

for (const durability of ['direct', 'journal'] as const) {
  const title = `${durability}: close with a timeout settles, and the directory is given up when nobody writes any more`
  skipWhere(loopMissing('ext4') ?? freezingMissing())(test, title, async () => {
    const disk = new LoopDisk('ext4')
    const [remote, next] = [new EngineProcess(), new EngineProcess()]
    const options = { directory: `${disk.directory}/sessions`, durability } as const
    try {
      await remote.open(options)
      await whileFrozen(disk.directory, async () => {
        await remote.flood([{ method: 'save', key: 'k' }])
        while (!hangs(remote)) await remote.condition()
        const error = await remote.closeEngine(0).then(
          () => assert.unreachable('nothing can be stored'),
          (reason: unknown) => reason,
        )
        assert.is(error instanceof RemoteError ? error.failure.errno : error, 'CLOSE_TIMEOUT')
        const [settled] = await remote.flooded()
        assert.is(settled !== undefined && 'failure' in settled ? settled.failure.errno : '', 'CLOSE_TIMEOUT')
        assert.ok(hangs(remote), 'the disk still stands still')
        if (durability === 'journal') assert.is(owners(options.directory).length, 1)
      })
      await next.open({ ...options, ...(durability === 'journal' ? { ownerTimeout: 60_000 } : {}) })
      assert.equal(await next.run([{ method: 'save', key: 'k' }]), [{ value: undefined }])
      await next.close()
      await remote.end()
    } finally {
      await Promise.all([remote.kill(), next.kill()])
      disk.remove()
    }
  })
}

test.run()
