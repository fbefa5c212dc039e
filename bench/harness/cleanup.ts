import { constants } from 'node:os'

type Task = () => void | Promise<void>

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What has to be undone when a bench ends, however it ends; the last first. */
export class Cleanup {
  readonly #tasks: Task[] = []

  add(task: Task): void {
    this.#tasks.push(task)
  }

  /** Undoes everything, even if some of it fails. */
  async run(): Promise<void> {
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task()
      } catch (error) {
        console.error('while cleaning up:', error)
      }
    }
  }
}

/** Runs a bench and cleans up after it: at its end, at its failure and at a signal such as Ctrl-C. */
export async function cleaningUp<Result>(work: (cleanup: Cleanup) => Promise<Result>): Promise<Result> {
  const cleanup = new Cleanup()
  let interrupted = false
  const interrupt = (signal: NodeJS.Signals): void => {
    // The second Ctrl-C of an impatient user must not stop what the first has begun.
    if (interrupted) return
    interrupted = true
    void cleanup.run().then(() => process.exit(128 + constants.signals[signal]))
  }
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    return await work(cleanup)
  } catch (error) {
    // Stopped contestants fail; that is not what the user wants to read.
    if (interrupted) return await new Promise<never>(() => undefined)
    throw error
  } finally {
    if (!interrupted) {
      await cleanup.run()
      for (const signal of SIGNALS) process.off(signal, interrupt)
    }
  }
}
