import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { budget } from './budget.js'
import { type FileResult, runTestFile } from './runner/test-file.js'

/*
 * Runs every test file, or those whose path contains one of the arguments, each in a process of its own, and ends with
 * `N passed, N failed, N skipped`.
 */

const ROOT = fileURLToPath(new URL('.', import.meta.url))
/** One more than there are processors, of which two are counted: now and then one waits for a disk or for a child that ends. */
const AT_ONCE = Math.min(2, availableParallelism()) + 1
/** Milliseconds for one file. */
const TIMEOUT = budget({ usual: 300_000, full: 900_000 })

/** These take longest, as measured: none of them is to be left for the end, when there is nothing to run beside it. */
const FIRST = [
  'conformance',
  'every-system-call',
  'limits-tree',
  'journal-errors',
  'journal-killed',
  'direct-killed',
  'fuzz',
  'journal-kill-points',
  'planted',
  'power-cut',
  'worker-death',
  'processes/exit',
  'model',
  'every-request',
  'interleavings',
  'ownership',
  'workers/redis',
  'cli/copy',
  'cli/reading',
  'package',
  'cli/coatcheck',
]

function rank(path: string): number {
  const at = FIRST.findIndex((name) => path.includes(name))
  return at === -1 ? FIRST.length : at
}

function findFiles(filters: readonly string[]): string[] {
  const isWanted = (path: string): boolean =>
    filters.length === 0 || filters.some((filter) => path.includes(filter))
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && isWanted(path))
    .sort()
    .sort((one, other) => rank(one) - rank(other))
    .map((path) => join(ROOT, path))
}

function print(file: string, result: FileResult): void {
  const counts = `${result.passed} passed${result.skipped > 0 ? `, ${result.skipped} skipped` : ''}`
  const verdict = result.problem === undefined ? 'ok    ' : 'FAILED'
  const name = relative(ROOT, file)
  const { milliseconds, processorSeconds } = result
  const busy = processorSeconds === undefined ? '' : `, ${processorSeconds.toFixed(1)} s of processor time`
  console.log(`${verdict} ${name}: ${counts}, ${Math.round(milliseconds)} ms${busy}`)
  for (const skip of result.skips) console.log(`         skipped: ${skip}`)
  if (result.problem === undefined) return
  console.log(`\n---- ${name} ${result.problem} ----\n${result.output.trim()}\n---- end of ${name} ----\n`)
}

async function runAll(files: readonly string[], breakOff: AbortSignal): Promise<FileResult[]> {
  const results: FileResult[] = []
  const waiting = [...files]
  const takeTurns = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && !breakOff.aborted; file = waiting.shift()) {
      const result = await runTestFile(file, TIMEOUT, breakOff)
      print(file, result)
      results.push(result)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
  return results
}

// What runs is ended too, and takes away what it has made. Whoever asks twice does not wait for that: an exit handler kills.
const breakOff = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => (breakOff.signal.aborted ? process.exit(1) : breakOff.abort()))
}

const results = await runAll(findFiles(process.argv.slice(2)), breakOff.signal)
const sum = (pick: (result: FileResult) => number): number =>
  results.reduce((total, result) => total + pick(result), 0)
const passed = sum((result) => result.passed)
const failed = sum((result) => result.failed)
if (passed === 0) console.log('no test has run')
if (failed > 0 || passed === 0 || breakOff.signal.aborted) process.exitCode = 1
console.log(`${passed} passed, ${failed} failed, ${sum((result) => result.skipped)} skipped`)
