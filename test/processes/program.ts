import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Options of {@link runProgram}. */
export interface ProgramOptions {
  /** Options of Node itself. */
  readonly flags?: readonly string[]
  /** Called with each line that the program prints. */
  readonly onLine?: (line: string, kill: () => void) => void
}

/** Past it the program hangs: it is killed, and its signal says so. */
const TIMEOUT = 60_000

/** Runs an ES module, given as text, in a process of its own; `coatcheck` and fixtures can be imported by URL. */
export async function runProgram(source: string, options: ProgramOptions = {}): Promise<Ending> {
  const prelude = `
    import { SessionEngine, files } from '${import.meta.resolve('coatcheck')}'
    import { faultyFiles } from '${new URL('../fixtures/faulty-files.js', import.meta.url).href}'
  `
  const flags = [...(options.flags ?? []), '--input-type=module', '--eval', prelude + source]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const watchdog = setTimeout(kill, TIMEOUT)
  let stdout = ''
  let stderr = ''
  let told = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (options.onLine === undefined) return
    for (let end = stdout.indexOf('\n', told); end !== -1; end = stdout.indexOf('\n', told)) {
      options.onLine(stdout.slice(told, end), kill)
      told = end + 1
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(watchdog)
      process.off('exit', kill)
      resolve({ code, signal, stdout, stderr })
    })
  })
}
