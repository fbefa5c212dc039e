import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Contestant, RoundResult } from '../harness/contestant.js'
import { wholeRound } from './whole-round.js'

/** A tree walked by bare synchronous calls of one thread: its directories read, and each file looked at. */
export class RawWalk implements Contestant {
  readonly #directory: string
  #thread: Worker | undefined

  constructor({ directory }: { readonly directory: string }) {
    this.#directory = directory
  }

  async open(): Promise<void> {
    this.#thread = new Worker(new URL('./walk-thread.js', import.meta.url), {
      workerData: { directory: this.#directory },
    })
    await once(this.#thread, 'online')
  }

  round(): Promise<RoundResult> {
    return wholeRound(async () => {
      const thread = this.#thread
      if (thread === undefined) throw new Error('the walk was not opened')
      const answer = once(thread, 'message')
      thread.postMessage('walk')
      const [files] = (await answer) as [number]
      return files
    })
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }
}
