import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../faults/fault.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { randomNumbers } from '../races/random.js'
import type { Timed } from './checker.js'
import { HistoryProcess } from './history-process.js'
import type { Recorded } from './log.js'
import type { HistoryChildOptions, HotKey, Run } from './messages.js'
import type { SessionOperation } from './model.js'
import { TroubledServers } from './troubled-servers.js'
import type { Variant } from './variants.js'

/** What was recorded of each key. */
export type History = ReadonlyMap<string, readonly Timed<SessionOperation>[]>

/** What has happened to a fleet, all in all. */
export interface Losses {
  /** Processes that killed themselves in the midst of their work. */
  kills: number
  calls: number
  /** How often something has happened to servers meanwhile. */
  troubles: number
  /** Workers that died while an operation was under way, counted once for each such operation. */
  deaths: number
}

const DAY = 86_400_000
/** More than a process writes in one history. */
const VALUES = 10_000
const MOST_DEATHS = 3
/** What a sweep tells of a file when one of its calls is made to fail. */
const FAILED_SWEEP = 'corrupt: could not be examined'

/** The processes of a variant, which make one history after the other in one directory. */
export class Fleet {
  readonly #variant: Variant
  readonly #parent = temporaryDirectory('memory')
  readonly #directory: string
  readonly #livesFrom = Date.now() + DAY
  readonly #fault: Fault | undefined
  readonly #servers: TroubledServers | undefined
  readonly #processes: HistoryProcess[] = []
  readonly losses: Losses = { kills: 0, calls: 0, troubles: 0, deaths: 0 }
  /** What operations may fail with in the history that is being made. */
  #mayFail: ReadonlySet<string> = new Set()
  #logs = 0
  #faults = 0

  private constructor(variant: Variant, directory: string, servers: TroubledServers | undefined) {
    this.#variant = variant
    this.#directory = directory
    this.#servers = servers
    this.#fault = variant.fails && new Fault(directory)
  }

  /** Opens one for the body, and ends it afterwards. */
  static async with(variant: Variant, body: (fleet: Fleet) => Promise<void>): Promise<void> {
    const directory = temporaryDirectory(variant.files.fsync === true ? 'disk' : 'memory')
    const servers = variant.servers && (await TroubledServers.start(variant.servers))
    const fleet = new Fleet(variant, directory, servers)
    try {
      const opening = Array.from({ length: variant.processes }, async (_, index) => {
        fleet.#processes[index] = await fleet.#open(index)
      })
      // All of them: one that opens after another has failed is to be ended, too.
      await Promise.allSettled(opening)
      await Promise.all(opening)
      await body(fleet)
      await Promise.all(fleet.#processes.map((one) => one.close()))
    } finally {
      await Promise.all(fleet.#processes.map((one) => one.kill()))
      fleet.#fault?.close()
      await servers?.stop()
    }
  }

  /** Makes one history of new keys. Throws when a process fails, or complains. */
  async history(seed: number): Promise<History> {
    const origin = process.hrtime.bigint()
    const random = randomNumbers(seed)
    const { profiles, processes, callers, turns, kills } = this.#variant
    const keys = profiles.map((profile, index): HotKey => ({ key: `${profile}-${seed}-${index}`, profile }))
    const whole = { keys, callers, turns, sweeps: false }
    const recorded: Recorded[] = []
    await this.#run(0, { ...whole, seed, firstValue: 1, onlyFirstSaves: true })
    // Before and after a kill, the half each.
    const parts = kills === true ? 2 : 1
    const turnsOfPart = Math.ceil(turns / parts)
    const atOnce = callers * turnsOfPart
    for (let part = 0; part < parts; part++) {
      const victim = kills === true && part === 0 ? random(processes) : undefined
      this.#setFault(random)
      const runs = this.#processes.map((_, index) => {
        return this.#run(index, {
          ...whole,
          turns: turnsOfPart,
          seed: seed * 10 + part * processes + index,
          firstValue: (1 + part * processes + index) * VALUES,
          killAfter: victim === index ? 1 + random(atOnce) : undefined,
          dieAfter: this.#variant.dying && 1 + random(atOnce),
          deaths: 1 + random(MOST_DEATHS),
          sweeps: random(3) === 0,
        })
      })
      await this.#makeTroubleDuring(
        Promise.all(runs),
        keys.map(({ key }) => key),
      )
      this.#liftFault()
      // It may have been through before.
      if (victim !== undefined) await this.#processes[victim]?.kill()
      for (const { log, died } of this.#processes) {
        const deathsBefore = log.deaths
        const mayFail = this.#mayFail
        const shared = processes > 1
        const remote = this.#servers !== undefined
        const reading = { origin, died, shared, remote, issuer: log.path, mayFail }
        recorded.push(...log.next({ ...reading, ahead: this.#variant.files.durability === 'journal' }))
        this.losses.deaths += log.deaths - deathsBefore
      }
      if (victim !== undefined) this.#processes[victim] = await this.#open(victim)
    }
    return byKey(recorded)
  }

  #open(index: number): Promise<HistoryProcess> {
    const { files, threads, dying, bug } = this.#variant
    const how = dying?.[index % dying.length]
    const options: HistoryChildOptions = {
      files: { ...files, directory: this.#directory },
      ...(this.#servers && { servers: this.#servers.options }),
      threads,
      log: join(this.#parent, `log-${++this.#logs}`),
      livesFrom: this.#livesFrom,
      ...(how && { dying: how }),
      ...(bug && { bug }),
    }
    return HistoryProcess.open(options, index === 0 ? this.#fault?.environment : undefined)
  }

  async #run(index: number, run: Run): Promise<void> {
    // Within the bounds of the array.
    const { complaints: all, killedItself } = await (this.#processes[index] as HistoryProcess).run(run)
    if (killedItself) this.losses.kills++
    const complaints = all.filter((one) => this.#variant.fails === undefined || one !== FAILED_SWEEP)
    if (complaints.length > 0) throw new Error(`with seed ${run.seed}: ${complaints.join('; ')}`)
  }

  async #makeTroubleDuring(runs: Promise<unknown>, keys: readonly string[]): Promise<void> {
    const { trouble } = this.#variant
    let isOver = false
    const running = runs.finally(() => {
      isOver = true
    })
    if (trouble === undefined || this.#servers === undefined) return void (await running)
    const progress = (): number => this.#processes.reduce((sum, { log }) => sum + statSync(log.path).size, 0)
    const [times] = await Promise.all([this.#servers.make(trouble, keys, progress, () => isOver), running])
    this.losses.troubles += times
  }

  #setFault(random: (bound: number) => number): void {
    const { fails, dying } = this.#variant
    this.#mayFail = new Set(dying === undefined ? [] : ['WORKER_LOST'])
    if (fails === undefined) return
    const { calls, actions } = fails
    const call = calls[random(calls.length)]
    const action = actions[random(actions.length)]
    if (call === undefined || action === undefined) return
    this.#mayFail = new Set(['WORKER_LOST', action === 'break' ? 'ENOSPC' : action])
    // Of any kind in the one history, in which some call fails for certain; in the next of one kind, which may be a rare one.
    const kinds = this.#faults++ % 2 === 0 ? calls : [call]
    this.#fault?.set({ calls: kinds, action, first: 1 + random(6), count: 1 + random(3) })
  }

  #liftFault(): void {
    this.losses.calls += this.#fault?.fired ?? 0
    this.#fault?.lift()
  }
}

function byKey(recorded: readonly Recorded[]): History {
  const keys = new Map<string, Timed<SessionOperation>[]>()
  for (const { key, timed } of recorded) {
    const history = keys.get(key)
    if (history === undefined) keys.set(key, [timed])
    else history.push(timed)
  }
  return keys
}
