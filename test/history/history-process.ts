import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Log } from './log.js'
import type { Answer, HistoryChildOptions, Request, Run } from './messages.js'

/** How a part of a history has ended. */
export interface RunEnd {
  readonly complaints: readonly string[]
  /** In its midst, as it was told to. */
  readonly killedItself: boolean
}

const alive = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** An engine that makes histories, in a process of its own; it is ended with the test's, whatever happens. */
export class HistoryProcess {
  readonly log: Log
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #died: bigint | undefined
  #answered: ((answer: Answer | undefined) => void) | undefined

  private constructor(options: HistoryChildOptions, environment: Readonly<Record<string, string>>) {
    writeFileSync(options.log, '')
    this.log = new Log(options.log)
    this.#child = fork(new URL('./history-child.js', import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
    })
    alive.add(this.#child)
    this.#child.on('message', (answer: Answer) => this.#answered?.(answer))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        alive.delete(this.#child)
        // All of its threads are gone: nothing of it takes effect from now on.
        this.#died = process.hrtime.bigint()
        this.#answered?.(undefined)
        resolve()
      })
    })
  }

  /** Starts one; resolves when its engine is ready. Of one that fails nothing is left. */
  static async open(
    options: HistoryChildOptions,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<HistoryProcess> {
    const opened = new HistoryProcess(options, environment)
    try {
      await opened.#answer('open')
      return opened
    } catch (error) {
      await opened.kill()
      throw error
    }
  }

  /** When its end was seen. */
  get died(): bigint | undefined {
    return this.#died
  }

  /** Lets it make its part of a history. Resolves with what it complains of, or, when it was to kill itself, when it is gone. */
  async run(run: Run): Promise<RunEnd> {
    const complaints = await this.#ask({ kind: 'run', run }, 'ran', run.killAfter !== undefined)
    return { complaints, killedItself: this.#died !== undefined }
  }

  /** Closes the engine, and ends the process. */
  async close(): Promise<void> {
    if (this.#died === undefined) {
      await this.#ask({ kind: 'close' }, 'closed')
      this.#child.disconnect()
    }
    await this.#ended
  }

  /** Ends it, whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  async #ask(request: Request, kind: Answer['kind'], mayDie = false): Promise<readonly string[]> {
    // Its end was told already, and is not told again.
    if (this.#died !== undefined) throw new Error('a process of the history has ended before it was asked')
    const answer = this.#answer(kind, mayDie)
    // One that dies from now on is told by its end.
    this.#child.send(request, () => undefined)
    return await answer
  }

  async #answer(kind: Answer['kind'], mayDie = false): Promise<readonly string[]> {
    const answer = await new Promise<Answer | undefined>((resolve) => {
      this.#answered = resolve
    })
    this.#answered = undefined
    if (answer === undefined && mayDie && this.#child.signalCode === 'SIGKILL') return []
    if (answer?.kind === kind) return answer.complaints
    throw new Error(`a process of the history has failed: ${answer?.complaints.join('; ') ?? this.#end}`)
  }

  get #end(): string {
    return `it has ended with ${this.#child.signalCode ?? this.#child.exitCode}`
  }
}
