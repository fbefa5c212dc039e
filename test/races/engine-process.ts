import { type ChildProcess, fork } from 'node:child_process'
import type { SweepResult } from 'coatcheck'
import { LOOPBACK, type Place } from '../fixtures/network/place.js'
import type {
  Answer,
  Call,
  Condition,
  RemoteFailure,
  RemoteOptions,
  Request,
  Settled,
} from './engine-messages.js'

type Content<Kind> = Kind extends { readonly id: number } ? Omit<Kind, 'id'> : never

/** What an engine in another process refused. */
export class RemoteError extends Error {
  readonly failure: RemoteFailure

  constructor(failure: RemoteFailure) {
    super(`${failure.name}: ${failure.message}`)
    this.failure = failure
  }
}

/** Options of {@link EngineProcess}. */
export interface EngineProcessOptions {
  /** Variables of its environment besides those of ours. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where it is. Default: where we are. */
  readonly place?: Place
}

/** An engine in another process. The process is ended with the test's, whatever happens. */
export class EngineProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  readonly #exited: Promise<void>
  #lastId = 0

  /** A process without an engine yet. */
  constructor({ environment = {}, place = LOOPBACK }: EngineProcessOptions = {}) {
    const [execPath = '', ...execArgv] = [...place.within, process.execPath, ...process.execArgv]
    this.#child = fork(new URL('./engine-child.js', import.meta.url), {
      serialization: 'advanced',
      execPath,
      execArgv: [...execArgv, '--expose-gc'],
      env: { ...process.env, ...environment },
    })
    const stop = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', stop)
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new RemoteError(answer.error))
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        process.off('exit', stop)
        for (const { reject } of this.#waiting.values()) reject(new Error('the process has ended'))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** Opens one; when that fails, it is gone. */
  static async open(options: RemoteOptions, own?: EngineProcessOptions): Promise<EngineProcess> {
    const remote = new EngineProcess(own)
    try {
      await remote.open(options)
      return remote
    } catch (error) {
      await remote.kill()
      throw error
    }
  }

  /** Opens several on one directory; when one fails, none is left. */
  static async openAll(count: number, options: RemoteOptions): Promise<EngineProcess[]> {
    const opening = Array.from({ length: count }, () => EngineProcess.open(options))
    const settled = await Promise.allSettled(opening)
    try {
      return await Promise.all(opening)
    } catch (error) {
      await Promise.all(settled.map((one) => one.status === 'fulfilled' && one.value.kill()))
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /**
   * Opens an engine in it, in place of one that could not be opened.
   * @throws {RemoteError}
   */
  async open(options: RemoteOptions): Promise<void> {
    await this.#ask({ kind: 'open', options })
  }

  /** Issues all calls in one turn; resolves when all are settled. */
  async run(calls: readonly Call[]): Promise<readonly Settled[]> {
    return (await this.#ask({ kind: 'run', calls })).settled ?? []
  }

  /**
   * Brings everything acknowledged to files.
   * @throws {RemoteError}
   */
  async flush(): Promise<void> {
    await this.#ask({ kind: 'flush' })
  }

  /** The errors that the engine has emitted. */
  async errors(): Promise<readonly RemoteFailure[]> {
    return (await this.#ask({ kind: 'errors' })).result as readonly RemoteFailure[]
  }

  /**
   * Closes the engine, and leaves the process.
   * @param timeout milliseconds
   */
  async closeEngine(timeout?: number): Promise<void> {
    await this.#ask({ kind: 'close', timeout })
  }

  async sweep(): Promise<SweepResult> {
    return (await this.#ask({ kind: 'sweep' })).result as SweepResult
  }

  /**
   * Lets an engine that could not be opened try again.
   * @throws {RemoteError}
   */
  async reopen(): Promise<void> {
    await this.#ask({ kind: 'reopen' })
  }

  async count(): Promise<number> {
    return (await this.#ask({ kind: 'count' })).result as number
  }

  /** Issues all calls in one turn; resolves at once. */
  async flood(calls: readonly Call[]): Promise<void> {
    await this.#ask({ kind: 'flood', calls })
  }

  /** How the engine and its process are; also tells that its event loop is alive. */
  async condition(): Promise<Condition> {
    return (await this.#ask({ kind: 'condition' })).result as Condition
  }

  /** What became of the calls of all floods, when all are settled. */
  async flooded(): Promise<readonly Settled[]> {
    return (await this.#ask({ kind: 'flooded' })).settled ?? []
  }

  /** Closes the engine, then the process. */
  async close(): Promise<void> {
    await this.closeEngine()
    await this.end()
  }

  /** Ends the process by itself or, if need be, by force. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** A process that is left would keep its test's from ending. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #ask(content: Content<Request>): Promise<Answer> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, ...content }, (error) => {
        if (error !== null) reject(error)
      })
    })
  }
}
