import { spawn } from 'node:child_process'
import { secondsOfEnded } from './processor-time.js'

/** What became of one test file. */
export interface FileResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** `title: reason` of each skipped test that told. */
  readonly skips: readonly string[]
  readonly milliseconds: number
  /** Seconds of processor time, its children's included; `undefined` where the system does not tell. */
  readonly processorSeconds: number | undefined
  /** Why the file counts as failed; `undefined` when it passed. */
  readonly problem: string | undefined
  /** Everything it printed. */
  readonly output: string
}

/** Milliseconds for a test that is told to end to take away what it has made. */
const GRACE = 10_000
const SKIPPED = /^skipped: (.+)$/gm
const SUMMARY = / {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n/

/**
 * Runs one test file as a process of its own.
 *
 * uvu exits with 0, without a word, when a promise that never settles leaves the event loop empty: so a file has
 * only passed when it printed its summary. One that takes longer than `timeout` milliseconds, or is to be broken off, is told
 * to end, so that what it has made goes; then it is killed with all the processes it started.
 */
export async function runTestFile(
  file: string,
  timeout: number,
  breakOff?: AbortSignal,
): Promise<FileResult> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    // A process group of its own, so that what a hanging test has started can be ended with it.
    detached: true,
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const killGroup = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
  process.once('exit', killGroup)
  let ended: string | undefined
  let grace: NodeJS.Timeout | undefined
  const end = (why: string): void => {
    ended ??= why
    child.kill('SIGTERM')
    grace ??= setTimeout(killGroup, GRACE)
  }
  const watchdog = setTimeout(() => end(`did not end within ${timeout} ms`), timeout)
  const onBreak = (): void => end('was broken off')
  breakOff?.addEventListener('abort', onBreak)
  if (breakOff?.aborted === true) onBreak()
  let processorSeconds: number | undefined
  child.once('exit', () => {
    processorSeconds = secondsOfEnded()
    // What is left of its group has nothing to take away.
    if (ended !== undefined) killGroup()
  })
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal))
  })
  clearTimeout(watchdog)
  clearTimeout(grace)
  breakOff?.removeEventListener('abort', onBreak)
  process.off('exit', killGroup)
  const output = Buffer.concat(chunks).toString('utf8')
  const ending = ended ?? (code === 0 ? undefined : `exited with ${code}`)
  return { ...judge(output, ending), milliseconds: performance.now() - startedAt, processorSeconds, output }
}

function judge(
  output: string,
  ending: string | undefined,
): Omit<FileResult, 'milliseconds' | 'processorSeconds' | 'output'> {
  const skips = Array.from(output.matchAll(SKIPPED), (match) => match[1] ?? '')
  const summary = SUMMARY.exec(output)
  if (summary === null) {
    const problem = ending ?? 'ended before its tests were done: a promise was never settled'
    return { passed: 0, failed: 1, skipped: 0, skips, problem }
  }
  const [total = 0, passed = 0, skipped = 0] = summary.slice(1).map(Number)
  const failed = total - passed
  if (failed > 0) return { passed, failed, skipped, skips, problem: `${failed} failed` }
  if (total + skipped === 0) return { passed, failed: 1, skipped, skips, problem: 'holds no tests' }
  return { passed, failed: ending === undefined ? 0 : 1, skipped, skips, problem: ending }
}
