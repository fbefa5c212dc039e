import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { SessionAnswer, SessionCall } from './session-messages.js'

/** One session in another process, on a directory; it ends with the test's. */
export class SessionProcess {
  readonly #child: ChildProcess

  constructor(directory: string, environment: Readonly<Record<string, string>>) {
    this.#child = fork(new URL('./session-child.js', import.meta.url), [directory], {
      serialization: 'advanced',
      env: { ...process.env, ...environment },
    })
    process.once('exit', () => this.#child.kill('SIGKILL'))
  }

  /** One call at a time. */
  async call(call: SessionCall): Promise<SessionAnswer> {
    const settled = new AbortController()
    const { signal } = settled
    try {
      const answered = once(this.#child, 'message', { signal })
      const ended = once(this.#child, 'exit', { signal }).then(() => {
        throw new Error('the process has ended')
      })
      this.#child.send(call)
      const [answer] = (await Promise.race([answered, ended])) as [SessionAnswer]
      return answer
    } finally {
      settled.abort()
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
