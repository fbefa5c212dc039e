import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { DriveAnswer, DriveRequest } from './driver.js'

/** What the visitors have to tell of a round. */
export type Visit = Exclude<DriveAnswer, { reason: string }>

/** The process that the visitors come from. It ends when this one does, whatever ended that. */
export class Visitors {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>

  constructor() {
    this.#process = fork(new URL('./driver.js', import.meta.url), { execArgv: [] })
    this.#exited = once(this.#process, 'exit')
  }

  /** One round; resolves when all have left. */
  async visit(request: DriveRequest): Promise<Visit> {
    const answered = once(this.#process, 'message')
    this.#process.send(request)
    const [answer] = (await Promise.race([answered, this.#exited.then(endedEarly)])) as [DriveAnswer]
    if ('reason' in answer) throw new Error(`the visitors failed: ${answer.reason}`)
    return answer
  }

  /** Sends them home and waits for the end of their process. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#exited
  }
}

function endedEarly(): never {
  throw new Error('the process that makes the load ended before the round')
}
