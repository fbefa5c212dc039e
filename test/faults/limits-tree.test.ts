import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type FilesOptions, files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { openBelow } from './calls/outcomes.js'

const test = suite('a directory of very many sessions')

/** Sessions; `TREE_SESSIONS` for more than the full budget has time for. */
const SESSIONS = Number(process.env.TREE_SESSIONS ?? budget({ usual: 20_000, full: 1_000_000 }))
const EXPIRED = Math.floor(SESSIONS / 3)
const MIB = 2 ** 20
const AT_ONCE = 5_000
/** Beside what it takes to be open: walks must hold a slice of it all, not all of it, which takes 64 bytes for each key. */
const ALLOWED_RESIDENT = 112 * MIB
/** Of the main thread. */
const ALLOWED_HELD = 4 * MIB

const key = (number: number): string => `session-of-the-tree-${number}`

function open(directory: string, options: Partial<FilesOptions> = {}): SessionEngine {
  return new SessionEngine({ storage: files({ directory, ...options }), sweepInterval: false })
}

/** With a journal, which brings many sessions of one directory to their files at a time. */
async function makeTree(directory: string): Promise<void> {
  const engine = open(directory, { durability: 'journal', journalMemory: 2 ** 28 })
  for (let first = 0; first < SESSIONS; first += AT_ONCE) {
    const saves: Promise<void>[] = []
    for (let number = first; number < Math.min(SESSIONS, first + AT_ONCE); number++) {
      const expiry = { maxAge: number < EXPIRED ? 0.001 : 99_999 }
      saves.push(engine.save(key(number), { number }, expiry))
    }
    await Promise.all(saves)
    if (first % (40 * AT_ONCE) === 0) await engine.flush({ files: true })
  }
  await engine.close()
}

/** In a process of its own: what it needs for that does not count as memory that this one has used before. */
async function haveTreeMade(directory: string): Promise<void> {
  const [code] = await once(fork(fileURLToPath(import.meta.url), [directory]), 'exit')
  assert.is(code, 0, 'the tree is made')
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function bytesInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What walks take besides. */
class Memory {
  readonly #residentBefore = process.memoryUsage.rss()
  readonly #heldBefore = bytesInUse()
  /** By all threads. */
  resident = 0
  /** By the main thread, garbage not counted. */
  held = 0

  note(): void {
    this.resident = Math.max(this.resident, process.memoryUsage.rss() - this.#residentBefore)
  }

  noteHeld(): void {
    this.note()
    this.held = Math.max(this.held, bytesInUse() - this.#heldBefore)
  }
}

/** Saves one after the other until told to stop; milliseconds that each took, and turns of the event loop meanwhile. */
class Beat {
  readonly milliseconds: number[] = []
  turns = 0
  readonly #engine: SessionEngine
  #stopped = false

  constructor(engine: SessionEngine) {
    this.#engine = engine
  }

  async run(most = Number.POSITIVE_INFINITY): Promise<void> {
    const turn = (): void => {
      this.turns++
      if (!this.#stopped) setImmediate(turn)
    }
    setImmediate(turn)
    while (!this.#stopped && this.milliseconds.length < most) {
      const since = performance.now()
      // Not the last two: one of them has been deleted.
      await this.#engine.save(key(EXPIRED + (this.milliseconds.length % (SESSIONS - EXPIRED - 2))), {
        beat: true,
      })
      this.milliseconds.push(performance.now() - since)
    }
    this.#stopped = true
  }

  stop(): void {
    this.#stopped = true
  }

  /** The milliseconds within which so many of a hundred were done. */
  percentile(percent: number): number {
    const sorted = [...this.milliseconds].sort((left, right) => left - right)
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
  }

  get summary(): string {
    const shown = [50, 99].map((percent) => `p${percent} ${this.percentile(percent).toFixed(2)} ms`)
    return `${shown.join(', ')} of ${this.milliseconds.length} saves`
  }
}

test(`${SESSIONS} sessions, a third of them expired`, async () => {
  const directory = temporaryDirectory('memory')
  const since = performance.now()
  await haveTreeMade(directory)
  console.log(`made in ${Math.round(performance.now() - since)} ms`)
  const engine = open(directory)
  await engine.ready()
  const memory = new Memory()

  assert.equal(await engine.load(key(SESSIONS - 1)), { number: SESSIONS - 1 })
  assert.is(await engine.load(key(0)), undefined, 'it has expired')
  await engine.update(key(SESSIONS - 1), { number: 'updated' })
  await engine.save('one more', { number: 'new' })
  await engine.delete(key(SESSIONS - 2))
  await engine.create(key(0), { number: 'again' })
  const living = SESSIONS - EXPIRED + 1
  assert.is(await engine.count(), living)
  memory.noteHeld()

  const seen = new Uint8Array(SESSIONS)
  let listed = 0
  for await (const name of engine.keys()) {
    if (name !== 'one more') {
      const number = Number(name.slice('session-of-the-tree-'.length))
      assert.is(seen[number], 0, 'each once')
      seen[number] = 1
    }
    if (++listed % 10_000 === 0) memory.noteHeld()
  }
  assert.is(listed, living)

  const alone = new Beat(engine)
  await alone.run(budget({ usual: 1_000, full: 10_000 }))
  const beside = new Beat(engine)
  const beating = beside.run()
  let slices = 0
  const result = await engine.clearExpired({
    onProgress: () => {
      slices++
      memory.note()
    },
  })
  beside.stop()
  await beating
  console.log(`a save alone: ${alone.summary}; beside the sweep: ${beside.summary}`)
  console.log(`sweep: ${Math.round(engine.stats().lastSweep?.milliseconds ?? 0)} ms, ${slices} slices`)
  assert.is(result.expired, EXPIRED - 1)
  assert.is(result.corrupt, 0)
  assert.ok(slices > SESSIONS / 1_000, `${slices} slices`)
  assert.ok(beside.turns >= slices, `${beside.turns} turns of the event loop in ${slices} slices`)
  assert.ok(beside.milliseconds.length > 0, 'saves go on')
  const { resident, held } = memory
  console.log(
    `more than at the start: ${resident / MIB} MiB resident, ${held / MIB} MiB held by the main thread`,
  )
  assert.ok(resident < ALLOWED_RESIDENT)
  assert.ok(held < ALLOWED_HELD)
  assert.is(await engine.count(), living)
  assert.equal(await engine.load(key(SESSIONS - 1)), { number: 'updated' })
  if (process.platform === 'linux') assert.equal(openBelow(directory), [], 'no directory is left open')
  await engine.close()
})

const [, , treeToMake] = process.argv
if (treeToMake === undefined) test.run()
else await makeTree(treeToMake)
