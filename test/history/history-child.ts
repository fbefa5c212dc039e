import { files, SessionEngine, type StorageDescription } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { type FaultyFiles, faultyFiles } from '../fixtures/faulty-files.js'
import { type DyingRedis, dyingRedis } from '../fixtures/redis/dying-redis.js'
import { randomNumbers } from '../races/random.js'
import type { Answer, HistoryChildOptions, Request, Run } from './messages.js'
import { buggyEngine, buggyFiles } from './planted-bugs.js'
import { Recorder } from './recorder.js'
import { chooseCall, PROFILES } from './workload.js'

/* An engine that callers make use of all at once, in a process of its own. Ends when its parent does. */

/** Of this key workers die, where they do; with one lane its batches hold others, too. */
const TRIGGER = 'trigger'
const MOST_DEATHS = 3
/** Bytes; few, so that checkpoints have segments to drop. */
const SEGMENT_BYTES = 4096

const options = JSON.parse(process.argv[2] ?? '') as HistoryChildOptions
const complaints: string[] = []

const dying = options.dying && dyingOf(options, { key: TRIGGER, times: MOST_DEATHS })

/** Of servers they die in one way: when all is sent, and nothing answered. */
function dyingOf(
  { files: filesOptions, servers, dying: how }: HistoryChildOptions,
  of: { readonly key: string; readonly times: number },
): FaultyFiles | DyingRedis {
  if (servers !== undefined) return dyingRedis(servers, of)
  return faultyFiles({ when: 'before', how: 'exit', ...how, ...of }, { ...filesOptions, layout: 'flat' })
}

function storageOf({ files: filesOptions, servers, bug }: HistoryChildOptions): StorageDescription {
  if (dying !== undefined) return dying.storage
  if (servers !== undefined) return redis(servers)
  return withSmallSegments(bug === undefined ? files(filesOptions) : buggyFiles(bug, filesOptions))
}

function withSmallSegments(storage: StorageDescription): StorageDescription {
  const { journal } = storage
  if (journal === undefined) return storage
  const journalOptions = { ...(journal.options as object), segmentBytes: SEGMENT_BYTES }
  return { ...storage, journal: { ...journal, options: journalOptions } }
}

const engine = buggyEngine(
  options.bug,
  new SessionEngine({ storage: storageOf(options), threads: options.threads, sweepInterval: false }),
)
// What is told to nobody but here: a file that cannot be read is never what should be in these histories.
engine.on('corrupt', ({ reason }) => complaints.push(`corrupt: ${reason}`))
// A checkpoint that fails under a fault says so.
engine.on('error', () => undefined)
const recorder = new Recorder(engine, options.log, options.livesFrom)

async function take(run: Run): Promise<void> {
  const counter = { value: run.firstValue }
  if (run.onlyFirstSaves === true) {
    const saved = run.keys.filter(({ profile }) => 'saved' in PROFILES[profile])
    await Promise.all(
      saved.map(({ key }) => recorder.call(key, { kind: 'save', value: counter.value++, life: 1 })),
    )
    return
  }
  const plan = {
    kill: recorder.called + (run.killAfter ?? Number.NaN),
    die: recorder.called + (run.dieAfter ?? Number.NaN),
  }
  const watch = (): void => {
    if (recorder.called === plan.kill) killInTheMidst(run.seed)
    if (recorder.called === plan.die) letWorkersDie(run.deaths ?? 1)
  }
  let over = false
  const sweeping = run.sweeps ? sweepUntil(() => over) : undefined
  const callers = Array.from({ length: run.callers }, (_, caller) =>
    takeTurns(run, randomNumbers(run.seed * 100 + caller), counter, watch),
  )
  await Promise.all(callers)
  over = true
  await sweeping
}

async function takeTurns(
  run: Run,
  random: (bound: number) => number,
  counter: { value: number },
  watch: () => void,
): Promise<void> {
  for (let turn = 0; turn < run.turns; turn++) {
    const atOnce = random(2) === 0 ? 1 : 1 + random(3)
    const calls = Array.from({ length: atOnce }, () => {
      // Within the bounds of the array.
      const { key, profile } = run.keys[random(run.keys.length)] as Run['keys'][number]
      const call = chooseCall(PROFILES[profile], random, counter.value++, recorder.known(key))
      const called = recorder.call(key, call)
      watch()
      return called
    })
    await Promise.all(calls)
  }
}

/** When the batches of this turn have left for the workers, or a little later. */
function killInTheMidst(seed: number): void {
  setImmediate(() => {
    const until = process.hrtime.bigint() + BigInt((seed % 16) * 40_000)
    while (process.hrtime.bigint() < until);
    process.kill(process.pid, 'SIGKILL')
  })
}

function letWorkersDie(deaths: number): void {
  dying?.allow(deaths)
  // Where they die more often than a batch is tried again, this one is not stored.
  engine.save(TRIGGER, {}).catch(() => undefined)
}

async function sweepUntil(isOver: () => boolean): Promise<void> {
  const isJournal = options.files.durability === 'journal'
  for (let round = 0; !isOver(); round++) {
    try {
      if (isJournal && round % 2 === 1) await engine.flush({ files: true })
      else await engine.clearExpired()
    } catch {
      // Under a fault it may fail; what it had to do is asked of nobody else.
    }
    // Others have their turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function answer(request: Request): Promise<Answer['kind']> {
  if (request.kind === 'run') {
    await take(request.run)
    return 'ran'
  }
  await engine.close()
  return 'closed'
}

function say(kind: Answer['kind'], words: readonly string[] = complaints.splice(0)): void {
  process.send?.({ kind, complaints: words } satisfies Answer)
}

process.on('message', (request: Request) => {
  answer(request).then(say, (error: unknown) => say('broken', [String(error)]))
})
process.once('disconnect', () => process.exit(0))
engine.ready().then(
  () => say('open'),
  (error: unknown) => say('broken', [String(error)]),
)
