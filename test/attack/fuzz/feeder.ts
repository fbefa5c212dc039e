import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { type Feeding, INPUT_AT, LENGTH, MADE, MOST_KEPT, type Outcomes } from './protocol.js'

/** Milliseconds for one input: no decoder needs a hundredth, so this only ever ends a hang. */
const LONGEST = 20_000
/** MiB of objects that a decoder may have alive. */
const HEAP = 256

/** Feeds decoders in another thread, which may die or hang; what it was just decoding is told then, in hexadecimal. */
export class Feeder {
  readonly #shared = new SharedArrayBuffer(INPUT_AT + MOST_KEPT)
  readonly #words = new Int32Array(this.#shared, 0, INPUT_AT / 4)
  #worker: Worker | undefined

  async feed(feeding: Feeding): Promise<Outcomes> {
    this.#worker ??= new Worker(new URL('worker.js', import.meta.url), {
      workerData: this.#shared,
      // A thread that is ended cleans up nothing: what it makes lies in a folder of the process.
      env: { ...process.env, TEST_DIRECTORY: temporaryDirectory('memory') },
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
    })
    const worker = this.#worker
    try {
      return await this.#outcomes(worker, feeding)
    } catch (error) {
      this.#worker = undefined
      await worker.terminate()
      const input = Buffer.from(this.#shared, INPUT_AT, Atomics.load(this.#words, LENGTH)).toString('hex')
      const which = `input ${Atomics.load(this.#words, MADE) - 1} of ${feeding.decoder}, seed ${feeding.seed}`
      throw new Error(`${which}: ${error instanceof Error ? error.stack : error}\n${input}`, { cause: error })
    }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate()
  }

  async #outcomes(worker: Worker, feeding: Feeding): Promise<Outcomes> {
    const end = new AbortController()
    let seen = -1
    const watchdog = setInterval(() => {
      const made = Atomics.load(this.#words, MADE)
      if (made === seen) end.abort(new Error(`one input took longer than ${LONGEST} ms`))
      seen = made
    }, LONGEST)
    try {
      // Rejects with what the thread dies of, too.
      const answer = once(worker, 'message', { signal: end.signal })
      worker.postMessage(feeding)
      const [outcomes] = (await answer) as [Outcomes]
      return outcomes
    } finally {
      clearInterval(watchdog)
    }
  }
}
