import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
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
 * and closings, which take long, meet each N with one of the errors in turn. The usual budget is a share of that, another one
 * each time; `CALLS_SEED` repeats it.
 */

const calls = suite('every system call of an engine fails')
const needsFaults = skipWhere(faultsMissing())

const PLAIN: Shares = {
  subjects: 1,
  calls: budget({ usual: 180, full: 1 }),
  lives: budget({ usual: 240, full: 1 }),
}
/** The usual run tries two or three operations of one kind of engine, and sealing anew of another one. */
const SEALED: Shares = {
  subjects: budget({ usual: 30, full: 1 }),
  calls: budget({ usual: 45, full: 45 }),
  lives: budget({ usual: 240, full: 200 }),
}
const RESEALS: Shares = { subjects: 1, calls: budget({ usual: 45, full: 10 }), lives: 1 }
const SEED = Number(process.env.CALLS_SEED ?? Date.now() % 2 ** 31)

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

/** One beside the other: each has a processor of its own on a small machine, and waits for locks left behind now and then. */
const running = new Map<EngineKind, Promise<string>>()

function begin(kind: EngineKind): Promise<string> {
  const known = running.get(kind)
  if (known !== undefined) return known
  const directory = temporaryDirectory('memory')
  const begun = outputOf({
    directory,
    kind,
    plain: PLAIN,
    ...(FULL || kind === kinds[SEED % kinds.length] ? { sealed: SEALED } : {}),
    ...(FULL || kind === kinds[(SEED + 1) % kinds.length] ? { reseals: RESEALS } : {}),
    seed: SEED,
  })
  begun.catch(() => undefined)
  running.set(kind, begun)
  return begun
}

for (const [index, kind] of kinds.entries()) {
  const title = `${kind.durability}${kind.fsync ? ', with fsync' : ''}: told, nothing lost, nothing left, and it goes on`
  needsFaults(calls, title, async () => {
    // Two at a time.
    const other = kinds[index ^ 1]
    if (other !== undefined) begin(other)
    const { runs, runsSealed, runsResealing, failed } = JSON.parse(await begin(kind)) as CallReport
    const special = `${runsSealed} of them sealed, ${runsResealing} while sealing anew`
    console.log(`seed ${SEED}, one in ${PLAIN.calls}: ${runs} runs, ${special}, ${JSON.stringify(failed)}`)
    // A share of it all may lack one or the other.
    assert.ok(dueCalls(kind).some((call) => (failed[call] ?? 0) > 0))
    if (!FULL) return
    for (const call of dueCalls(kind)) assert.ok((failed[call] ?? 0) > 0, `no ${call} has failed`)
    assert.ok(runsSealed > 100 && runsResealing > 50, special)
  })
}

calls.run()
