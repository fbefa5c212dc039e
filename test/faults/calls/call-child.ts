import { mkdirSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { randomNumbers } from '../../races/random.js'
import { ALL_CALLS, Fault, type SystemCall, type SystemErrorName } from '../fault.js'
import type { CallOptions, CallReport, Shares } from './call-messages.js'
import { livesOf } from './lives.js'
import type { RunPlan } from './outcomes.js'
import { resealOf } from './reseal.js'
import type { Subject } from './subject.js'
import { type EngineKind, SEAL_KEYS, TrialEngine } from './trial-engine.js'
import { trialsOf } from './trials.js'
import { walksOf } from './walks.js'

/*
 * Runs everything that an engine does, again and again: with its first system call of a kind failing, with its second, and
 * so on until it gets through. Ends with an error when anything is not as it has to be.
 */

const ERRORS: readonly SystemErrorName[] = ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EROFS']
/** More calls of a kind than anything makes. */
const MOST = 1000
const NEVER = 2 ** 32 - 1

/** Which calls fail, and whether it is one or all from there on. */
interface Line {
  readonly calls: readonly SystemCall[]
  readonly count: 0 | 1 | 2
}

const LINES: readonly Line[] = [
  ...ALL_CALLS.flatMap((call): Line[] => [
    { calls: [call], count: 1 },
    { calls: [call], count: 0 },
  ]),
  // One of any kind is one of its own kind: only from there on it is something else.
  { calls: ALL_CALLS, count: 0 },
]

const { directory, kind, plain, sealed, reseals, seed } = JSON.parse(process.argv[2] ?? '') as CallOptions
const random = randomNumbers(seed)
const fault = Fault.ofThisProcess(directory)
const failed: Record<string, number> = {}
let runs = 0

let engines = 0
let current: TrialEngine | undefined

/** All trials of a kind share an engine, until there is no new directory left in it. */
async function trialEngine(kind: EngineKind): Promise<TrialEngine> {
  if (current?.isUsedUp === true) await finishTrials()
  current ??= await TrialEngine.open(`${directory}/${++engines}`, kind, fault)
  return current
}

async function finishTrials(): Promise<void> {
  await current?.finish()
  current = undefined
}

/** Whether the next one of a kind is tried: every so manieth, so that there is no run without any. */
type Chooser = (of: keyof Shares) => boolean

function chooserOf(shares: Shares): Chooser {
  const left = {
    subjects: random(shares.subjects),
    longSubjects: random(shares.longSubjects),
    calls: random(shares.calls),
    lives: random(shares.lives),
  }
  return (of) => {
    if (left[of]-- > 0) return false
    left[of] = shares[of] - 1
    return true
  }
}

async function runOnce(subject: Subject, plan: RunPlan): Promise<boolean> {
  runs++
  try {
    return await subject.run(plan)
  } catch (error) {
    fault.lift()
    const { calls, first, count, action } = plan
    const which = calls.length > 1 ? 'call' : calls.join()
    const story = `${subject.name}, ${which} ${first}${count === 0 ? ' and all that follow' : ''}, ${action}`
    throw new Error(`${story}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

async function fails(
  subject: Subject,
  line: Line,
  action: RunPlan['action'],
  first: number,
): Promise<boolean> {
  const fired = await runOnce(subject, { ...line, action, first })
  if (fired) for (const call of line.calls) failed[call] = (failed[call] ?? 0) + 1
  return fired
}

/** For N = 1, 2, … until it is through without a failure, with each error. */
async function runAll(subject: Subject, line: Line, isChosen: Chooser): Promise<void> {
  for (const action of ERRORS) {
    if (!isChosen('calls')) continue
    for (let first = 1; await fails(subject, line, action, first); first++) {
      assert.ok(first < MOST, `${subject.name} makes no end of calls: ${line.calls}`)
    }
  }
}

/** Half a write is no error, but to be continued. libuv does that itself, until an error follows, which it keeps to itself. */
async function shortenAll(subject: Subject, isChosen: Chooser): Promise<void> {
  const line = { calls: ['write'], count: 2 } as const
  if (!isChosen('calls')) return
  for (let first = 1; await fails(subject, line, 'break', first); first++);
}

/** For each N once, with one error or another. */
async function runInTurn(subject: Subject, line: Line, isChosen: Chooser, most: number): Promise<void> {
  const from = random(ERRORS.length)
  for (let first = 1; first <= most; first++) {
    if (!isChosen('lives')) continue
    await fails(subject, line, ERRORS[(from + first) % ERRORS.length] ?? 'EIO', first)
  }
}

async function runLines(subject: Subject, isChosen: Chooser): Promise<void> {
  // Which calls it makes when nothing fails; most make none of most kinds.
  await runOnce(subject, { calls: ALL_CALLS, action: 'EIO', first: NEVER, count: 1 })
  const seen = new Map(ALL_CALLS.map((call) => [call, fault.seen(call)]))
  for (const line of LINES) {
    const most = line.calls.reduce((sum, call) => sum + (seen.get(call) ?? 0), 0)
    if (most === 0) continue
    if (subject.takesLong) await runInTurn(subject, line, isChosen, most)
    else await runAll(subject, line, isChosen)
  }
  if (!subject.takesLong && (seen.get('write') ?? 0) > 0) await shortenAll(subject, isChosen)
}

function trialSubjects(kind: EngineKind): Subject[] {
  return trialsOf(kind.durability ?? 'direct').map(
    (trial): Subject => ({
      name: `${trial.name}, ${trial.state}`,
      takesLong: false,
      run: async (plan) => (await trialEngine(kind)).run(trial, plan),
      finish: () => Promise.resolve(),
    }),
  )
}

async function runSubjects(subjects: readonly Subject[], shares: Shares | undefined): Promise<number> {
  if (shares === undefined) return 0
  const before = runs
  const isChosen = chooserOf(shares)
  for (const subject of subjects) {
    if (!isChosen('subjects') || (subject.takesLong && !isChosen('longSubjects'))) continue
    await runLines(subject, isChosen)
    await subject.finish()
  }
  await finishTrials()
  return runs - before
}

function subjectsOf(kind: EngineKind, parent: string): Subject[] {
  mkdirSync(parent, { recursive: true })
  return [...trialSubjects(kind), ...walksOf(parent, kind, fault), ...livesOf(parent, kind, fault)]
}

await runSubjects(subjectsOf(kind, directory), plain)
const sealedKind: EngineKind = { ...kind, seal: SEAL_KEYS }
const runsSealed = await runSubjects(subjectsOf(sealedKind, `${directory}/sealed`), sealed)
const runsResealing = await runSubjects([resealOf(`${directory}/reseal`, kind, fault)], reseals)
const report: CallReport = { runs, runsSealed, runsResealing, failed }
console.log(JSON.stringify(report))
