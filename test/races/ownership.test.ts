import { on } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, watch } from 'node:fs'
import { files, OwnedError, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { EngineProcess, RemoteError } from './engine-process.js'

const ownership = suite('a directory with a journal belongs to one engine')

/** So often processes contend, by how many they are. */
const ROUNDS = { 2: budget({ usual: 8, full: 30 }), 4: budget({ usual: 4, full: 20 }) }
const KEY = 'session'

function journaled(directory: string, ownerTimeout = 0) {
  return { directory, durability: 'journal', ownerTimeout } as const
}

function engineOf(directory: string, durability: 'journal' | 'direct' = 'journal'): SessionEngine {
  return new SessionEngine({ storage: files({ directory, durability }), threads: 1, sweepInterval: false })
}

/** The process that is said to own it; throws for any other error. */
async function refusedBy(opening: Promise<void>): Promise<number | undefined> {
  try {
    await opening
    return undefined
  } catch (error) {
    if (error instanceof RemoteError && error.failure.name === 'OwnedError') return error.failure.pid
    throw error
  }
}

/** Resolves when a process has shown its sign of life, be it for a moment only, or nobody waits for it any more. */
async function announcedIn(journal: string, pid: number | undefined, signal: AbortSignal): Promise<void> {
  const watcher = watch(journal)
  try {
    for await (const [, name] of on(watcher, 'change', { signal }))
      if (String(name).includes(`-${pid}-`)) return
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    watcher.close()
  }
}

function assertGone(directory: string): void {
  const journal = `${directory}/.journal`
  assert.equal(existsSync(journal) ? readdirSync(journal) : undefined, undefined, 'a journal is left')
}

/** Ends the processes, whatever becomes of the body. */
async function withProcesses(
  count: number,
  body: (processes: readonly EngineProcess[]) => Promise<void>,
): Promise<void> {
  const processes = Array.from({ length: count }, () => new EngineProcess())
  try {
    await body(processes)
  } finally {
    await Promise.all(processes.map((remote) => remote.kill()))
  }
}

for (const contenders of [2, 4] as const) {
  const rounds = ROUNDS[contenders]
  ownership(`of ${contenders} processes at once, one gets it, ${rounds} times`, async () => {
    const directory = temporaryDirectory()
    await withProcesses(contenders, async (processes) => {
      for (let round = 0; round < rounds; round++) {
        const owners = await Promise.all(
          processes.map((remote) => refusedBy(remote.open(journaled(directory)))),
        )
        const winners = processes.filter((_, index) => owners[index] === undefined)
        assert.is(winners.length, 1, `round ${round}: ${owners}`)
        const [winner] = winners
        for (const owner of owners)
          assert.ok(owner === undefined || processes.some(({ pid }) => pid === owner))
        // Who comes now is told who has it.
        const [loser] = processes.filter((remote) => remote !== winner)
        assert.is(await refusedBy(loser?.open(journaled(directory)) ?? Promise.resolve()), winner?.pid)
        await winner?.closeEngine()
        assertGone(directory)
      }
    })
  })
}

ownership('one that was killed is replaced at once, and what it had acknowledged is there', async () => {
  const directory = temporaryDirectory()
  for (let round = 0; round < 3; round++) {
    await using first = await EngineProcess.open({ ...journaled(directory), checkpointInterval: 600 })
    await first.run([{ method: 'save', key: KEY, session: { round } }])
    await first.kill()
    const engine = engineOf(directory)
    assert.equal(await engine.load(KEY), { round })
    await engine.close()
    assertGone(directory)
  }
})

ownership('a sign of life that bears the id of another live process counts for nothing', async () => {
  const directory = temporaryDirectory()
  await using first = await EngineProcess.open(journaled(directory))
  await first.run([{ method: 'save', key: KEY, session: { of: 'first' } }])
  await first.kill()
  const journal = `${directory}/.journal`
  const signs = readdirSync(journal).filter((name) => name.includes(`-${first.pid}-`))
  assert.is(signs.length, 2, 'its announcement and its mark as the owner')
  // As if the system had given its id to this very process meanwhile.
  for (const sign of signs) {
    renameSync(`${journal}/${sign}`, `${journal}/${sign.replace(`-${first.pid}-`, `-${process.pid}-`)}`)
  }
  await using second = await EngineProcess.open(journaled(directory))
  assert.equal(await second.run([{ method: 'load', key: KEY }]), [{ value: { of: 'first' } }])
  await second.close()
  assertGone(directory)
})

ownership(
  'with ownerTimeout the next one waits until the first has closed, and sees everything',
  async () => {
    const directory = temporaryDirectory()
    await withProcesses(2, async ([first, second]) => {
      await first?.open(journaled(directory))
      const keys = Array.from({ length: 50 }, (_, index) => `session-${index}`)
      await first?.run(keys.map((key) => ({ method: 'save', key, session: { key } })))
      const over = new AbortController()
      const announced = announcedIn(`${directory}/.journal`, second?.pid, over.signal)
      let handed = false
      const waiting = second?.open(journaled(directory, 60_000)).then(() => {
        handed = true
      })
      try {
        await Promise.race([announced, waiting])
      } finally {
        over.abort()
      }
      // The first one still works.
      await first?.run([{ method: 'save', key: 'last', session: { key: 'last' } }])
      assert.not(handed)
      await first?.closeEngine()
      await waiting
      const loads = [...keys, 'last'].map((key) => ({ method: 'load', key }) as const)
      const found = await second?.run(loads)
      assert.equal(
        found,
        loads.map(({ key }) => ({ value: { key } })),
      )
      await second?.closeEngine()
    })
    assertGone(directory)
  },
)

ownership('an ownerTimeout that passes is an OwnedError', async () => {
  const directory = temporaryDirectory()
  const first = engineOf(directory)
  await first.ready()
  const second = new SessionEngine({ storage: files(journaled(directory, 30)), threads: 1 })
  assert.is((await rejection(second.ready(), OwnedError)).pid, process.pid)
  await first.close()
})

ownership(
  'an engine without a journal is refused while the owner lives, and takes over when it is dead',
  async () => {
    const directory = temporaryDirectory()
    await using owner = await EngineProcess.open({ ...journaled(directory), checkpointInterval: 600 })
    await owner.run([{ method: 'save', key: KEY, session: { of: 'owner' } }])
    const refused = engineOf(directory, 'direct')
    assert.is((await rejection(refused.ready(), OwnedError)).pid, owner.pid)
    assert.is((await rejection(refused.load(KEY), OwnedError)).pid, owner.pid)
    await owner.kill()
    // The same engine: a failed opening may be tried again.
    assert.equal(await refused.load(KEY), { of: 'owner' })
    assertGone(directory)
    await refused.close()
  },
)

ownership('several without a journal at once bring a dead one’s journal to files together', async () => {
  const directory = temporaryDirectory()
  await using owner = await EngineProcess.open({ ...journaled(directory), checkpointInterval: 600 })
  await owner.run([{ method: 'save', key: KEY, session: { of: 'owner' } }])
  await owner.kill()
  await withProcesses(3, async (processes) => {
    await Promise.all(processes.map((remote) => remote.open({ directory })))
    assertGone(directory)
    for (const remote of processes) {
      assert.equal(await remote.run([{ method: 'load', key: KEY }]), [{ value: { of: 'owner' } }])
    }
  })
})

ownership('an empty directory that a dead engine has left goes with the next opening', async () => {
  for (const durability of ['direct', 'journal'] as const) {
    const directory = temporaryDirectory()
    await using owner = await EngineProcess.open(journaled(directory))
    await owner.kill()
    assert.ok(existsSync(`${directory}/.journal`))
    const engine = engineOf(directory, durability)
    await engine.ready()
    await engine.close()
    assertGone(directory)
  }
})

ownership('two engines of one process are two owners', async () => {
  const directory = temporaryDirectory()
  const first = engineOf(directory)
  const second = engineOf(directory)
  await first.save(KEY, { of: 'first' })
  // Through an operation, as through ready().
  assert.is((await rejection(second.save(KEY, { of: 'second' }), OwnedError)).pid, process.pid)
  assert.is((await rejection(second.ready(), OwnedError)).code, 'COATCHECK_OWNED')
  await first.close()
  assert.equal(await second.load(KEY), { of: 'first' })
  await second.close()
  assertGone(directory)
})

ownership('a path that is longer than the address of a socket', async () => {
  const directory = `${temporaryDirectory()}/${'long/'.repeat(50)}`
  mkdirSync(directory, { recursive: true })
  await using owner = await EngineProcess.open(journaled(directory))
  await owner.run([{ method: 'save', key: KEY, session: { of: 'owner' } }])
  assert.is((await rejection(engineOf(directory).ready(), OwnedError)).pid, owner.pid)
  await owner.kill()
  const engine = engineOf(directory)
  assert.equal(await engine.load(KEY), { of: 'owner' })
  await engine.close()
  assertGone(directory)
})

ownership.run()
