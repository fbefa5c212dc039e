import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { RoundResult, RoundSettings } from './contestant.js'
import type { Answer, Request } from './messages.js'
import type { ContestantDescription } from './open-contestant.js'

/** Milliseconds that a process gets to clean up. */
const PATIENCE = 10_000

/** A contestant in a process of its own, so that heaps and compiled code do not mix. */
export class ContestantProcess {
  readonly #name: string
  readonly #process: ChildProcess

  constructor(name: string) {
    this.#name = name
    this.#process = fork(new URL('./child.js', import.meta.url), { execArgv: [] })
  }

  async open(description: ContestantDescription): Promise<void> {
    await this.#ask({ ask: 'open', description })
  }

  async round(settings: RoundSettings): Promise<RoundResult> {
    const answer = await this.#ask({ ask: 'round', settings })
    if (answer.answer !== 'round') throw new Error(`${this.#name} gave a wrong answer: ${answer.answer}`)
    return answer.result
  }

  /** Lets it clean up and waits for its end. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    await exited
    clearTimeout(timer)
  }

  async #ask(request: Request): Promise<Answer> {
    const child = this.#process
    const answer = await new Promise<Answer>((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null): void =>
        reject(new Error(`${this.#name}: its process ended with ${code ?? signal}`))
      child.once('exit', onExit)
      child.once('message', (message) => {
        child.off('exit', onExit)
        resolve(message as Answer)
      })
      child.send(request, (error) => {
        if (error !== null) reject(error)
      })
    })
    if (answer.answer === 'failed') throw new Error(`${this.#name} failed: ${answer.reason}`)
    return answer
  }
}
