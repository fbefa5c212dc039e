import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import PQueue from 'p-queue'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import type { CallOptions, CallReport, Shares } from './calls/call-messages.js'
import type { EngineKind } from './calls/trial-engine.js'
import { Fault, faultsMissing, type SystemCall } from './fault.js'

/*
 * For each durability, with fsync and without, a process does everything that an engine does, opening and closing included, while
 * the Nth system call of a kind fails, once or for ever, with each of five errors: for every N until it gets through. Openings
 * and closings, which take long, meet each N with one of the errors in turn; the full budget has time for one in forty of
 * those, another one each time, and `CALLS_ALL=1`, which takes a quarter of an hour by itself, leaves none out. The usual
 * budget is a share of it all. `CALLS_SEED` repeats one.
 */

const calls = suite('every system call of an engine fails')
const needsFaults = skipWhere(faultsMissing())

const PLAIN: Shares = {
  subjects: 1,
  calls: budget({ usual: 180, full: 1 }),
  longSubjects: budget({ usual: 2, full: 1 }),
  lives: process.env.CALLS_ALL === '1' ? 1 : budget({ usual: 240, full: 40 }),
}
/** The usual run tries two or three operations of one kind of engine, and sealing anew of another one. */
const SEALED: Shares = {
  subjects: budget({ usual: 30, full: 1 }),
  calls: 45,
  longSubjects: budget({ usual: 2, full: 1 }),
  lives: budget({ usual: 240, full: 200 }),
}
const RESEALS: Shares = {
  subjects: 1,
  calls: budget({ usual: 45, full: 10 }),
  longSubjects: 1,
  lives: 1,
}
const SEED = Number(process.env.CALLS_SEED ?? Date.now() % 2 ** 31)
// At once: a test that hangs says nothing in the end.
console.log(`CALLS_SEED=${SEED}`)

async function outputOf(options: CallOptions): Promise<string> {
  const program = fileURLToPath(new URL('./calls/call-child.js', import.meta.url))
  const fault = new Fault(options.directory)
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...fault.environment },
  })
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  const output: Buffer[] = []
  const complaints: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  process.off('exit', stop)
  fault.close()
  assert.is(code, 0, `with CALLS_SEED=${SEED}: ${Buffer.concat(complaints).toString('utf8')}`)
  return Buffer.concat(output).toString('utf8')
}

/** What must have failed at least once, or the test has tried less than it says. */
function dueCalls({ durability, fsync }: EngineKind): SystemCall[] {
  const always = [
    'open',
    'read',
    'stat',
    'write',
    'times',
    'rename',
    'link',
    'unlink',
    'mkdir',
    'rmdir',
  ] as const
  if (fsync !== true) return [...always]
  return durability === 'journal' ? [...always, 'fsync', 'fdatasync'] : [...always, 'fsync']
}

const kinds: readonly EngineKind[] = [
  { durability: 'direct', fsync: false },
  { durability: 'direct', fsync: true },
  { durability: 'journal', fsync: false },
  { durability: 'journal', fsync: true },
]

/** Two at a time: each has a processor of its own on a small machine, and waits for locks left behind now and then. */
const turns = new PQueue({ concurrency: 2 })
const outputs = new Map<EngineKind, Promise<string>>()

function begin(kind: EngineKind): Promise<string> {
  const directory = temporaryDirectory('memory')
  const output = turns.add(() =>
    outputOf({
      directory,
      kind,
      plain: PLAIN,
      ...(FULL || kind === kinds[SEED % kinds.length] ? { sealed: SEALED } : {}),
      ...(FULL || kind === kinds[(SEED + 1) % kinds.length] ? { reseals: RESEALS } : {}),
      seed: SEED,
    }),
  )
  // It may fail before its test awaits it.
  output.catch(() => undefined)
  return output
}

/** All of them begin with the first that is asked for: not where all are skipped. */
function outputFor(kind: EngineKind): Promise<string> {
  if (outputs.size === 0) for (const one of kinds) outputs.set(one, begin(one))
  return outputs.get(kind) ?? begin(kind)
}

for (const kind of kinds) {
  const title = `${kind.durability}${kind.fsync ? ', with fsync' : ''}: told, nothing lost, nothing left, and it goes on`
  needsFaults(calls, title, async () => {
    const { runs, runsSealed, runsResealing, failed } = JSON.parse(await outputFor(kind)) as CallReport
    const special = `${runsSealed} of them sealed, ${runsResealing} while sealing anew`
    console.log(`one in ${PLAIN.calls}: ${runs} runs, ${special}, ${JSON.stringify(failed)}`)
    // A share of it all may lack one or the other.
    assert.ok(dueCalls(kind).some((call) => (failed[call] ?? 0) > 0))
    if (!FULL) return
    for (const call of dueCalls(kind)) assert.ok((failed[call] ?? 0) > 0, `no ${call} has failed`)
    assert.ok(runsSealed > 100 && runsResealing > 50, special)
  })
}

calls.run()
