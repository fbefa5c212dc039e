import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { litterOrAsideIn } from '../fixtures/litter.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import type { Call, Settled } from '../races/engine-messages.js'
import { EngineProcess, RemoteError } from '../races/engine-process.js'
import { skipWhere } from '../skip.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import { Fault, faultsMissing } from './fault.js'
import { mountMissing, programMissing } from './missing.js'

const test = suite('an engine that is short of descriptors')

const SESSIONS = budget({ usual: 300, full: 2_000 })
const THREADS = 4
/** Those of the standard streams: nothing that is closed makes room for anything, and some operations are refused for certain. */
const NO_MORE = 3
/** Descriptors. */
const LIMITS = FULL ? [64, 56, 52, 48, 44, NO_MORE] : [64, NO_MORE]

function limitsMissing(): string | undefined {
  return mountMissing() ?? programMissing('prlimit', '--version')
}

/** Limits another process; `:` is for the soft limit alone, so that it can be lifted again. */
function limit(remote: EngineProcess, what: '--nofile' | '--fsize', value: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(remote.pid), `${what}=${value}:`])
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`)
}

const key = (index: number): string => `session-${index}`

/** One batch of everything: what each of them did before, the next round finds. */
function mixedCalls(version: number): Call[] {
  const session = { version }
  return Array.from({ length: SESSIONS }, (_, index) => {
    if (index % 7 === 1) return { method: 'load', key: key(index) }
    if (index % 7 === 2) return { method: 'touch', key: key(index), maxAge: 50_000 + version }
    if (index % 7 === 3) return { method: 'exists', key: key(index) }
    if (index % 7 === 4) return { method: 'update', key: key(index), session }
    if (index % 7 === 5 && index > SESSIONS / 2) return { method: 'delete', key: key(index) }
    return { method: 'save', key: key(index), session }
  })
}

/** What is known of what is stored. */
class Known {
  readonly versions = new Map<string, number>()

  /** @returns how many calls were refused */
  note(calls: readonly Call[], settled: readonly Settled[], errno: string): number {
    let refused = 0
    for (const [index, call] of calls.entries()) {
      const outcome = settled[index]
      if (outcome === undefined) throw new Error('a call was not settled')
      if ('failure' in outcome) {
        assert.is(outcome.failure.errno, errno, `${call.method}: ${outcome.failure.message}`)
        refused++
      } else if (call.method === 'delete') this.versions.delete(call.key)
      else if (call.method === 'save' || call.method === 'update')
        this.versions.set(call.key, call.session?.version as number)
      else if (call.method === 'load')
        assert.is((outcome.value as { version: number } | undefined)?.version, this.versions.get(call.key))
      else if (call.method === 'touch' || call.method === 'exists')
        assert.is(outcome.value, this.versions.has(call.key), call.method)
    }
    return refused
  }

  async assertStored(remote: EngineProcess): Promise<void> {
    const calls = Array.from(
      { length: SESSIONS },
      (_, index) => ({ method: 'load', key: key(index) }) as const,
    )
    assert.is(this.note(calls, await remote.run(calls), 'none'), 0)
  }
}

async function sweepOrRefusal(remote: EngineProcess): Promise<void> {
  try {
    await remote.sweep()
  } catch (error) {
    // Not even the thread of the walk may have found descriptors.
    if (!(error instanceof RemoteError) || error.failure.name !== 'StorageError') throw error
    assert.ok(['EMFILE', 'WORKER_LOST'].includes(error.failure.errno ?? ''), error.message)
  }
}

function assertNoLitter(directory: string): void {
  assert.equal(litterOrAsideIn(filesBelow(directory)), [])
}

async function withProcess(body: (remote: EngineProcess, directory: string) => Promise<void>): Promise<void> {
  const remote = new EngineProcess()
  try {
    await body(remote, temporaryDirectory('memory'))
  } finally {
    await remote.kill()
  }
}

for (const durability of ['direct', 'journal'] as const) {
  for (const most of LIMITS) {
    const title = `${durability} with fsync, ${THREADS} threads and ${most} descriptors: works or is refused, then works on`
    skipWhere(limitsMissing())(test, title, () =>
      withProcess(async (remote, directory) => {
        await remote.open({ directory, durability, fsync: true, threads: THREADS })
        const known = new Known()
        const rounds = async (first: number, errno: string): Promise<number> => {
          let refused = 0
          for (let round = 0; round < 3; round++) {
            const calls = mixedCalls(first + round)
            // What the sweep opens comes on top.
            const [settled] = await Promise.all([remote.run(calls), sweepOrRefusal(remote)])
            refused += known.note(calls, settled, errno)
          }
          return refused
        }
        const seed = Array.from(
          { length: SESSIONS },
          (_, index) => ({ method: 'save', key: key(index), session: { version: 0 } }) as const,
        )
        known.note(seed, await remote.run(seed), 'none')
        limit(remote, '--nofile', most)
        const refused = await rounds(1, 'EMFILE')
        if (most === NO_MORE) assert.ok(refused > 0, 'some found none')
        limit(remote, '--nofile', 4096)
        assert.is(await rounds(10, 'none'), 0, 'nothing is refused any more')
        await known.assertStored(remote)
        const { scanned } = await remote.sweep()
        assert.ok(scanned >= known.versions.size, 'the sweep works again')
        await remote.close()
        assertNoLitter(directory)
      }),
    )
  }

  skipWhere(limitsMissing())(
    test,
    `${durability}: an opening that finds too few descriptors is refused, and the next one works`,
    () =>
      withProcess(async (remote, directory) => {
        // Answers when its modules have been read.
        await remote.errors()
        limit(remote, '--nofile', 30)
        const options = { directory, durability, fsync: true, threads: THREADS }
        try {
          await remote.open(options)
          assert.unreachable('30 descriptors are not enough for 4 threads')
        } catch (error) {
          if (!(error instanceof RemoteError)) throw error
          assert.is(error.failure.name, 'StorageError')
          assert.ok(['EMFILE', 'WORKER_LOST'].includes(error.failure.errno ?? ''), error.message)
        }
        limit(remote, '--nofile', 4096)
        await remote.reopen()
        const known = new Known()
        const calls = mixedCalls(1).filter(({ method }) => method === 'save')
        assert.is(known.note(calls, await remote.run(calls), 'none'), 0)
        await remote.close()
      }),
  )
}

for (const durability of ['direct', 'journal'] as const) {
  skipWhere(faultsMissing())(
    test,
    `${durability}: a worker in place of a dead one that finds too few is succeeded itself, and the next save works`,
    async () => {
      // The module that a worker opens its storage with, here.
      const fault = new Fault('faulty-worker.js')
      const remote = new EngineProcess({ environment: fault.environment })
      try {
        await remote.open({ directory: temporaryDirectory('memory'), durability, poison: 'poison' })
        fault.set({ calls: ['open'], action: 'EMFILE' })
        const [refused] = await remote.run([{ method: 'save', key: 'poison' }])
        assert.is(refused !== undefined && 'failure' in refused ? refused.failure.errno : undefined, 'EMFILE')
        assert.ok(fault.fired > 0, 'the module could not be read')
        fault.lift()
        assert.equal(await remote.run([{ method: 'save', key: 'k' }]), [{ value: undefined }])
        assert.equal(await remote.run([{ method: 'load', key: 'k' }]), [{ value: {} }])
        await remote.close()
      } finally {
        await remote.kill()
        fault.close()
      }
    },
  )

  skipWhere(limitsMissing())(
    test,
    `${durability}: past the largest file a process may write, saves are refused and the previous version stays`,
    () =>
      withProcess(async (remote, directory) => {
        await remote.open({ directory, durability })
        const small = { method: 'save', key: 'k', session: { version: 1 } } as const
        await remote.run([small])
        limit(remote, '--fsize', 4096)
        const large = { ...small, session: { version: 2, text: 'x'.repeat(20_000) } }
        const [refused] = await remote.run([large])
        assert.is(refused !== undefined && 'failure' in refused ? refused.failure.errno : undefined, 'EFBIG')
        const load = { method: 'load', key: 'k' } as const
        assert.equal(await remote.run([load]), [{ value: { version: 1 } }])
        limit(remote, '--fsize', 'unlimited')
        assert.equal(await remote.run([large]), [{ value: undefined }])
        assert.equal(await remote.run([load]), [{ value: large.session }])
        await remote.close()
        assertNoLitter(directory)
      }),
  )
}

test.run()
