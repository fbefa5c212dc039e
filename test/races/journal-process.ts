import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pausePipes } from '../faults/fault.js'
import type { Ledger } from './journal-history.js'
import { REPORTS } from './journal-reports.js'
import { standsStill } from './stands-still.js'

/** The descriptor where it waits when it has been made to pause. */
const RESUMED = 5

/** Options of a {@link JournalProcess}. */
export interface JournalProcessOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Called while the process stands still, when all that it told before has been entered; it goes on when that returns. */
  readonly onPause?: () => void
}

/** How a process ended, and what it told. */
export interface Ending {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  /** The last of its reports that was no acknowledgement: `opening`, `open`, `ready`, `closing` or `closed`. */
  readonly phase: string
  /** Steps that were acknowledged. */
  readonly steps: number
  /** What it told of a damaged journal, or of work in the background that failed. */
  readonly complaints: readonly string[]
  /** Steps of which the engine said that it could not do them, by key. Where nothing was made to fail there is none. */
  readonly failed: Readonly<Record<string, string>>
}

/** An engine under load in a process of its own, whose reports are entered into a ledger as they come. */
export class JournalProcess {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #ledger: Ledger
  readonly #watchers = new Set<() => void>()
  readonly #complaints: string[] = []
  readonly #failed = new Map<string, string>()
  readonly #standardError: Buffer[] = []
  readonly #ended: Promise<void>
  #hasEnded = false
  #error: unknown
  readonly #onPause: () => void
  #phase = 'starting'
  #steps = 0
  #reports = 0

  /**
   * @param program Beside this file or, as `../faults/…`, elsewhere; it is given what is known of each key.
   * @param options What else it is given, as JSON.
   */
  constructor(
    ledger: Ledger,
    program: string,
    options: object,
    { environment = {}, onPause }: JournalProcessOptions = {},
  ) {
    this.#ledger = ledger
    this.#onPause = onPause ?? (() => undefined)
    const argument = JSON.stringify({ ...options, known: ledger.toJSON() })
    const path = fileURLToPath(new URL(program, import.meta.url))
    this.#child = spawn(process.execPath, [path, argument], {
      stdio: ['ignore', 'inherit', 'pipe', 'pipe', 'ipc', onPause === undefined ? 'ignore' : 'pipe'],
      env: {
        ...process.env,
        ...environment,
        ...(onPause === undefined ? {} : pausePipes(REPORTS, RESUMED)),
      },
    })
    const stop = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', stop)
    this.#child.once('exit', () => process.off('exit', stop))
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#standardError.push(chunk))
    this.#lines = createInterface({ input: this.#child.stdio[REPORTS] as Readable })
    this.#lines.on('line', (line) => this.#read(line))
    // What it told before it died is read after that.
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()))
    void this.#ended.then(() => {
      this.#hasEnded = true
      this.#wake()
    })
  }

  /** Steps of which the engine has said by now that it could not do them, by key. */
  get failed(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#failed)
  }

  /** Waits for the nth report, of any kind, or the end. */
  reported(count: number): Promise<void> {
    return this.#until(() => this.#reports >= count)
  }

  /** Waits for a phase, or the end. */
  reached(phase: string): Promise<void> {
    return this.#until(() => this.#phase === phase)
  }

  /** Waits for so many acknowledged steps, or the end. */
  took(steps: number): Promise<void> {
    return this.#until(() => this.#steps >= steps)
  }

  /** Lets it stand still, for good; resolves when all that it has told is entered. */
  async halt(): Promise<void> {
    this.#child.kill('SIGSTOP')
    while (!standsStill(this.#child.pid)) await turn()
    // What is in a pipe is read in one round of the event loop.
    for (let reports = -1; reports !== this.#reports; await turn()) {
      reports = this.#reports
      await turn()
    }
  }

  /** Kills the process; resolves when all that it told has been entered. */
  async kill(): Promise<Ending> {
    this.#child.kill('SIGKILL')
    return await this.end()
  }

  /** Waits for the end. Throws what was wrong with its reports, and what it threw. */
  async end(): Promise<Ending> {
    await this.#ended
    if (this.#error !== undefined) throw this.#error
    const { exitCode: code, signalCode: signal } = this.#child
    const thrown = Buffer.concat(this.#standardError).toString('utf8')
    if (code !== null && code !== 0) throw new Error(`the process ended with ${code}: ${thrown}`)
    // Of the others it dies by itself.
    if (signal !== null && signal !== 'SIGKILL') throw new Error(`the process died of ${signal}: ${thrown}`)
    return {
      signal,
      code,
      phase: this.#phase,
      steps: this.#steps,
      complaints: this.#complaints,
      failed: this.failed,
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds() && !this.#hasEnded && this.#error === undefined) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #read(line: string): void {
    this.#reports++
    try {
      this.#enter(line.split(' '), line)
    } catch (error) {
      this.#error ??= error
      // It may stand still.
      this.#child.kill('SIGKILL')
    }
    this.#wake()
  }

  #enter([word = '', key = '', ...rest]: readonly string[], line: string): void {
    if (word === 'took') {
      const [step = '', outcome = ''] = rest
      if (outcome.startsWith('failed')) {
        this.#failed.set(key, outcome)
        return
      }
      this.#ledger.acknowledge(key, Number(step), outcome)
      this.#steps++
    } else if (word === 'paused') {
      this.#onPause()
      const { stdio }: { readonly stdio: readonly unknown[] } = this.#child
      const resumed = stdio[RESUMED] as Writable
      resumed.write('\n')
    } else if (word === 'found') this.#ledger.found(key, rest[0] === '-' ? undefined : Number(rest[0]))
    else if (word === 'corrupt' || word === 'error') this.#complaints.push(line)
    else if (word !== 'recovery') this.#phase = word
    else this.#phase = 'recovery'
  }
}
