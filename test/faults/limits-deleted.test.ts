import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { type FilesOptions, files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { interrupt } from '../workers/files/cut-points.js'
import type { Step, StepOutcome } from '../workers/files/storage-driver.js'

// After cut-points.js, so that the storage gets the calls that something can be done between.
const { StorageDriver } = await import('../workers/files/storage-driver.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const test = suite('the directory is deleted under an engine')

const KEY = 'k'
const HOUR = 3_600_000

const operations: Record<string, Step> = {
  create: { opcode: Opcode.CREATE, key: KEY, text: 'new' },
  update: { opcode: Opcode.UPDATE, key: KEY, text: 'new' },
  save: { opcode: Opcode.SAVE, key: KEY, text: 'new' },
  replace: { opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'previous' },
  touch: { opcode: Opcode.TOUCH, key: KEY, expiry: Date.now() + 9 * HOUR },
  load: { opcode: Opcode.LOAD, key: KEY },
  exists: { opcode: Opcode.EXISTS, key: KEY },
  delete: { opcode: Opcode.DELETE, key: KEY },
}

/** What a load finds after it, where nothing was removed. */
function stored({ opcode }: Step): string | undefined {
  if (opcode === Opcode.DELETE) return undefined
  return opcode === Opcode.TOUCH || opcode === Opcode.LOAD || opcode === Opcode.EXISTS ? 'previous' : 'new'
}

type What = 'the temporary files' | 'its directory' | 'everything'

function remove(what: What, directory: string): void {
  if (what === 'everything') rmSync(directory, { recursive: true, force: true })
  else if (what === 'its directory') {
    for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true })
  } else {
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.tmp')) rmSync(`${directory}/${name}`)
  }
}

for (const fsync of [false, true]) {
  for (const what of ['the temporary files', 'its directory', 'everything'] as const) {
    const title = `${what}, before any call of any operation${fsync ? ', with fsync' : ''}: told or made anew`
    test(title, () => {
      const directory = `${temporaryDirectory('memory')}/sessions`
      for (const [name, step] of Object.entries(operations)) {
        for (let at = 0, last = 0; at <= last; at++) {
          rmSync(directory, { recursive: true, force: true })
          const driver = new StorageDriver({ directory, fsync })
          if (name !== 'create') driver.save(KEY, 'previous')
          let outcome: StepOutcome | undefined
          // A rename or a link is what puts a session in its place.
          let isPlacedAfterwards = false
          const intrude = (call: number, systemCall: string): void => {
            if (call === at) remove(what, directory)
            if (call >= at && (systemCall === 'renameSync' || systemCall === 'linkSync'))
              isPlacedAfterwards = true
          }
          last = interrupt(() => (outcome = driver.one(step)), intrude)
          const story = `${name}, call ${at}`
          if (outcome?.status === Status.FAILED) assert.is(outcome.failure?.code, 'ENOENT', story)
          // As a sweep may do after a jump of the clock: no harm must come of it.
          if (what === 'the temporary files' && outcome?.status !== Status.DONE)
            assert.unreachable(`${story}: ${outcome?.status} ${outcome?.failure?.code}`)
          if (outcome?.status === Status.DONE && (what === 'the temporary files' || isPlacedAfterwards))
            assert.is(driver.load(KEY), stored(step), story)
          assert.is(driver.save(KEY, 'next'), Status.DONE, story)
          assert.is(driver.load(KEY), 'next', story)
        }
      }
      rmSync(directory, { recursive: true, force: true })
    })
  }
}

test('where a journal owned the directory, it is not made anew', () => {
  const directory = `${temporaryDirectory('memory')}/sessions`
  for (const layout of ['flat', 'sharded'] as const) {
    const driver = new StorageDriver({ directory, layout, exclusive: true })
    driver.save(KEY, 'previous')
    rmSync(directory, { recursive: true })
    const { status, failure } = driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'new' })
    assert.equal([status, failure?.code], [Status.FAILED, 'ENOENT'], layout)
    assert.is(existsSync(directory), false)
    mkdirSync(directory)
    assert.is(driver.save(KEY, 'new'), Status.DONE)
    rmSync(directory, { recursive: true })
  }
})

/** How often it is deleted. */
const TIMES = budget({ usual: 4, full: 40 })
/** Past this, what never met its removal never will. */
const MOST_TIMES = 50 * TIMES
const KEYS = Array.from({ length: 200 }, (_, index) => `session-${index}`)

class Saver {
  readonly engine: SessionEngine
  #version = 0

  constructor(directory: string, options: Partial<FilesOptions>) {
    this.engine = new SessionEngine({
      storage: files({ directory, ...options }),
      threads: 2,
      sweepInterval: false,
    })
  }

  /** Saves every session; returns how many were refused, which has to be because something is not there. */
  async round(): Promise<number> {
    const version = ++this.#version
    const outcomes = await Promise.allSettled(KEYS.map((key) => this.engine.save(key, { version })))
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    for (const reason of refusals) {
      assert.instance(reason, StorageError)
      assert.is((reason as StorageError).errno, 'ENOENT', (reason as StorageError).message)
    }
    return refusals.length
  }
}

const run = promisify(execFile)

/** `rm -rf`; false when something was made in what it was about to remove. */
async function removeAll(...paths: string[]): Promise<boolean> {
  try {
    await run('rm', ['-rf', ...paths])
    return true
  } catch {
    // Not empty any more.
    return false
  }
}

/** Saves everything, again and again, from before a removal begins until it has ended, and once more. */
async function saveDuring(
  saver: Saver,
  removal: () => Promise<boolean>,
): Promise<{ readonly refused: number; readonly removed: boolean }> {
  let refused = 0
  let removed: boolean | undefined
  const saving = async (): Promise<void> => {
    while (removed === undefined) refused += await saver.round()
  }
  const rounds = [saving(), saving()]
  // The batches of the first have left.
  await new Promise(setImmediate)
  removed = await removal()
  await Promise.all(rounds)
  return { refused, removed }
}

const layouts = FULL ? (['sharded', 'flat'] as const) : (['sharded'] as const)

for (const layout of layouts) {
  for (const fsync of [false, true]) {
    const title = `direct, ${layout}${fsync ? ' with fsync' : ''}: rm -rf while saving; what is gone is made anew`
    test(title, async () => {
      const directory = `${temporaryDirectory('memory')}/sessions`
      const saver = new Saver(directory, { layout, fsync })
      await saver.engine.ready()
      // Some saves found their directory gone, or some removals found something new in it.
      const met = { refusals: 0, remakes: 0 }
      for (let time = 0; time < TIMES || met.refusals + met.remakes === 0; time++) {
        assert.ok(time < MOST_TIMES, 'saves and removals have met')
        await saver.round()
        const [shard = ''] = readdirSync(directory)
        const path = time % 2 === 0 ? directory : `${directory}/${shard}`
        const { refused, removed } = await saveDuring(saver, () => removeAll(path))
        met.refusals += refused
        if (!removed) met.remakes++
        assert.is(await saver.round(), 0, 'nothing is refused when nothing is removed')
        assert.is(await saver.engine.count(), KEYS.length)
      }
      assert.ok(await removeAll(directory))
      assert.is(await saver.engine.load(KEYS[0] ?? ''), undefined)
      assert.is(await saver.round(), 0)
      assert.is(statSync(directory).mode & 0o777, 0o700)
      assert.is(await saver.engine.count(), KEYS.length)
      await saver.engine.close()
    })
  }
}

for (const fsync of [false, true]) {
  const name = `journal${fsync ? ' with fsync' : ''}`

  test(`${name}: rm -rf of sessions alone while saving; they are made anew`, async () => {
    const directory = `${temporaryDirectory('memory')}/sessions`
    const saver = new Saver(directory, { durability: 'journal', fsync, checkpointInterval: 0.05 })
    await saver.round()
    let remade = 0
    for (let time = 0; time < TIMES; time++) {
      await saver.engine.flush({ files: true })
      const shards = readdirSync(directory).filter((name) => name !== '.journal')
      const paths = shards.slice(0, 40).map((shard) => `${directory}/${shard}`)
      const { refused } = await saveDuring(saver, () => removeAll(...paths))
      assert.is(refused, 0)
      assert.is(await saver.round(), 0)
      await saver.engine.flush({ files: true })
      remade += paths.filter((path) => existsSync(path)).length
    }
    assert.ok(remade > 0, 'what was removed is there again')
    assert.is(await saver.round(), 0)
    assert.is(await saver.engine.count(), KEYS.length)
    await saver.engine.close()
  })

  test(`${name}: rm -rf of everything; nothing is acknowledged any more, and it can be closed and opened`, async () => {
    const directory = `${temporaryDirectory('memory')}/sessions`
    const saver = new Saver(directory, { durability: 'journal', fsync, checkpointInterval: 600 })
    assert.is(await saver.round(), 0)
    assert.ok(await removeAll(directory))
    for (let time = 0; time < 3; time++)
      assert.is(await saver.round(), KEYS.length, 'a deleted journal takes nothing')
    const [first = ''] = KEYS
    assert.equal(await saver.engine.load(first), { version: 1 }, 'what is in memory is there')
    const closing = await Promise.allSettled([saver.engine.close()])
    for (const outcome of closing)
      if (outcome.status === 'rejected') assert.instance(outcome.reason, StorageError)
    const next = new Saver(directory, { durability: 'journal', fsync })
    assert.is(await next.round(), 0)
    await next.engine.close()
  })
}

test.run()
