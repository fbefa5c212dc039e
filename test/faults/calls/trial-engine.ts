import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type FilesOptions, files, json, SessionEngine } from 'coatcheck'
import * as assert from 'uvu/assert'
import { keyHash, sliceOf } from '#dist/workers/protocol/index.js'
import { litterOrAsideIn } from '../../fixtures/litter.js'
import type { Fault, SystemCall } from '../fault.js'
import {
  hasFailed,
  mayLeaveLitter,
  openBelow,
  type RunPlan,
  type Settlement,
  settle,
  wordFor,
} from './outcomes.js'
import { isSame, look, NEW, NEXT, OLD, prepare, type Stored, store, type Trial } from './trials.js'

/** Directories of the layout below this one are used again and again; each of the others once, while it is not there yet. */
const FIRST_UNUSED = 32
const LAST = 255
const WAIT_EVERY = 16
/** Milliseconds after which litter that no sweep takes away is there for good. */
const PATIENCE = 20_000

/** What engines of the trials are opened with. */
export interface EngineKind extends Pick<FilesOptions, 'durability' | 'fsync' | 'layout'> {
  /** What sessions are sealed with. */
  readonly seal?: readonly string[]
}

/** The newest key, and an older one. */
export const SEAL_KEYS = ['newest'.repeat(6), 'older'.repeat(7)] as const

/** Opens nothing yet. Whatever is left behind is litter at once, and checkpoints come when they are asked for. */
export function makeEngine(
  directory: string,
  { durability, fsync, layout, seal }: EngineKind,
): SessionEngine {
  return new SessionEngine({
    storage: files({
      directory,
      durability: durability ?? 'direct',
      fsync: fsync ?? false,
      layout: layout ?? 'sharded',
      orphanGrace: 0,
      ...(durability === 'journal' ? { checkpointInterval: 600 } : {}),
    }),
    codec: json(),
    ...(seal === undefined ? {} : { seal: { keys: seal } }),
    threads: 1,
    sweepInterval: false,
  })
}

/** An engine whose contents are known, key by key; each run has two keys of its own. */
export class TrialEngine {
  readonly directory: string
  readonly #kind: EngineKind
  readonly #fault: Fault
  readonly #engine: SessionEngine
  readonly #known = new Map<string, Stored | undefined>()
  readonly #complaints: string[] = []
  /** What faults have kept from being tidied up, for the sweep at the end. */
  readonly #litter = new Set<string>()
  #descriptors: readonly string[] = []
  #runs = 0
  #unused = FIRST_UNUSED
  #lastKey = 0

  private constructor(directory: string, kind: EngineKind, fault: Fault) {
    this.directory = directory
    this.#kind = kind
    this.#fault = fault
    this.#engine = makeEngine(directory, kind)
    this.#engine.on('corrupt', ({ reason }) => this.#complaints.push(`corrupt: ${reason}`))
    this.#engine.on('error', (error) => this.#complaints.push(`error: ${error.message}`))
  }

  static async open(directory: string, kind: EngineKind, fault: Fault): Promise<TrialEngine> {
    const opened = new TrialEngine(directory, kind, fault)
    await opened.#engine.ready()
    opened.#descriptors = openBelow(directory)
    return opened
  }

  /** Whether there is no directory left that is not there yet. */
  get isUsedUp(): boolean {
    return this.#unused >= LAST
  }

  /** Tries an operation under a fault, and then whether everything is as it has to be. */
  async run(trial: Trial, plan: RunPlan): Promise<boolean> {
    const engine = this.#engine
    const isNew = trial.state === 'new directory'
    // Where nobody else writes to this directory, its faults are nobody else's.
    const alone = !isNew && this.#kind.durability === 'direct'
    const slice = isNew ? this.#unused++ : this.#runs++ % FIRST_UNUSED
    const key = this.#keyIn(slice)
    const beyond = (slice + 1) % FIRST_UNUSED
    const companion = this.#keyIn(beyond)
    await store(engine, companion, OLD)
    const version = (await engine.loadVersion(companion))?.version ?? ''
    await prepare(engine, key, trial.state)
    const shard = this.#shard(slice)
    this.#fault.set({ ...plan, path: alone ? shard : this.directory })
    const [outcome, beside] = await Promise.all([
      settle(trial.issue(engine, key, version)),
      settle(store(engine, companion, NEW)),
    ])
    this.#fault.lift()
    const fired = this.#fault.fired > 0
    // Whoever finds nothing waits half a second for a claim that could not be taken away. Once in a while is enough of that.
    if (this.#runs % WAIT_EVERY !== 0) removeClaims(shard)
    await this.#judge(trial, plan, key, outcome)
    await this.#judgeCompanion(plan, companion, beside, alone)
    if (fired && isNeeded(plan)) {
      assert.ok(hasFailed(outcome, plan) || hasFailed(beside, plan), 'nobody was told of a failure')
    }
    this.#assertTidy(plan, [...namesIn(shard), ...namesIn(this.#shard(beyond))])
    await this.#goOn(this.#runs % 2 === 0 ? key : this.#keyIn(slice))
    return fired
  }

  /** Whether all is as it was left: to this engine, to one after a crash, to one after the closing; and nothing else is. */
  async finish(): Promise<void> {
    await this.#assertKnown(this.#engine, 'at the end')
    if (this.#kind.durability === 'journal') await this.#crash()
    await sweepClean(this.#engine, this.directory)
    await this.#engine.close()
    assert.equal(openBelow(this.directory), [], 'nothing is open')
    await this.#reopen(this.directory, 'when it has been closed')
    const entries = readdirSync(this.directory, { recursive: true, withFileTypes: true })
    const kept = entries.filter((entry) => !entry.isDirectory())
    const live = [...this.#known.values()].filter((stored) => stored !== undefined)
    assert.is(kept.length, live.length, `a file for each session: ${kept.map(({ name }) => name).join()}`)
    const readable = kept.filter((entry) =>
      readFileSync(join(entry.parentPath, entry.name)).includes('"version"'),
    )
    assert.is(readable.length, this.#kind.seal === undefined ? live.length : 0, 'sealed where it has to be')
    rmSync(this.directory, { recursive: true })
  }

  async #judge({ before, due, name }: Trial, plan: RunPlan, key: string, outcome: Settlement): Promise<void> {
    const word = wordFor(outcome)
    const failed = hasFailed(outcome, plan)
    if (!failed) assert.is(word, due.outcome)
    const found = await look(this.#engine, key)
    const isDue = isSame(found, due.after)
    // See `isUndecided`: an operation that was rejected has had no effect but there.
    const allowed = failed ? isSame(found, before) || (isDue && this.#isUndecided(name, plan)) : isDue
    assert.ok(allowed, `${word}, and then there is ${JSON.stringify(found)}`)
    this.#known.set(key, found)
  }

  /**
   * What docs/reference.md tells under "Errors": a touch has moved the expiry of the file already; or the new version is in
   * place, and only the sync of the directory failed, which may have failed to be opened.
   */
  #isUndecided(name: string, { calls }: RunPlan): boolean {
    if (name.endsWith('er touch')) return true
    if (this.#kind.fsync !== true || this.#kind.durability === 'journal') return false
    return calls.includes('fsync') || calls.includes('open')
  }

  async #judgeCompanion(plan: RunPlan, key: string, beside: Settlement, alone: boolean): Promise<void> {
    const failed = hasFailed(beside, plan)
    if (alone || !failed) assert.is(wordFor(beside), 'undefined', 'of another session')
    const found = await look(this.#engine, key)
    const allowed = isSame(found, failed ? OLD : NEW) || (failed && this.#isUndecided('save', plan))
    assert.ok(allowed, `of another session there is ${JSON.stringify(found)}: ${wordFor(beside)}`)
    this.#known.set(key, found)
  }

  #assertTidy(plan: RunPlan, names: readonly string[]): void {
    const litter = litterOrAsideIn(names).filter((name) => !this.#litter.has(name))
    if (!mayLeaveLitter(plan.calls)) assert.is(litter.join(), '', `${litter} lies about`)
    for (const name of litter) this.#litter.add(name)
    // A journal's segment is open while it is written.
    const segments = (path: string): boolean => path.endsWith('.log')
    const open = openBelow(this.directory)
    assert.ok(open.filter(segments).length <= 1, `one segment is open: ${open}`)
    assert.equal(
      open.filter((path) => !segments(path)),
      this.#descriptors,
      'no descriptor is left open',
    )
    assert.equal(this.#complaints, [])
  }

  /** The fault has ended: the engine works. */
  async #goOn(key: string): Promise<void> {
    await store(this.#engine, key, NEXT)
    const found = await look(this.#engine, key)
    assert.ok(isSame(found, NEXT), `afterwards there is ${JSON.stringify(found)}`)
    this.#known.set(key, NEXT)
  }

  async #assertKnown(engine: SessionEngine, when: string): Promise<void> {
    const entries = [...this.#known]
    const found = await Promise.all(entries.map(([key]) => look(engine, key)))
    for (const [index, [key, stored]] of entries.entries()) {
      const is = JSON.stringify(found[index])
      assert.ok(isSame(found[index], stored), `${when}, ${key} is ${is}, not ${JSON.stringify(stored)}`)
    }
  }

  /** What a crash would leave at this moment. */
  async #crash(): Promise<void> {
    const image = `${this.directory}-crashed`
    copyWithoutSockets(this.directory, image)
    await this.#reopen(image, 'after a crash')
    rmSync(image, { recursive: true })
  }

  async #reopen(directory: string, when: string): Promise<void> {
    const next = makeEngine(directory, this.#kind)
    next.on('corrupt', ({ reason }) => this.#complaints.push(`corrupt: ${reason}`))
    await this.#assertKnown(next, when)
    await next.close()
    assert.equal(this.#complaints, [])
  }

  #shard(slice: number): string {
    return `${this.directory}/${slice.toString(16).padStart(2, '0')}`
  }

  #keyIn(slice: number): string {
    for (;;) {
      const key = `key-${++this.#lastKey}`
      if (sliceOf(keyHash(key)) === slice) return key
    }
  }
}

function removeClaims(directory: string): void {
  for (const name of namesIn(directory)) if (name.endsWith('.claim')) rmSync(`${directory}/${name}`)
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** Calls that nothing can be stored without: a failure of one that nobody hears of is a lie. */
const NEEDED: readonly SystemCall[] = ['write', 'fsync', 'fdatasync', 'rename', 'link', 'times']

function isNeeded({ calls, action }: RunPlan): boolean {
  return action !== 'break' && calls.every((call) => NEEDED.includes(call))
}

/**
 * Sweeps until there is nothing to be taken away. A claim is litter when it is half a second old, everything else at once; the
 * sweep that takes an old claim away may just have passed by the expired session that it still kept a moment before.
 */
export async function sweepClean(engine: SessionEngine, directory: string): Promise<void> {
  const since = performance.now()
  for (;;) {
    const { expired, orphans } = await engine.clearExpired()
    const litter = litterOrAsideIn(readdirSync(directory, { recursive: true, encoding: 'utf8' }))
    if (litter.length === 0 && expired + orphans === 0) return
    assert.ok(performance.now() - since < PATIENCE, `no sweep takes away ${litter}`)
  }
}

/** Copies a directory as a crash would leave it. Sockets cannot be copied. */
export function copyWithoutSockets(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !path.endsWith('.sock'),
  })
}
