import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Which part of the tree a thread makes. */
export interface TreeOptions {
  readonly directory: string
  /** Sessions of the whole tree. */
  readonly amount: number
  readonly from: number
  readonly to: number
}

/** Makes a directory that is full of sessions, as an engine would have left them. */
export async function buildTree(directory: string, amount: number): Promise<void> {
  const share = Math.ceil(amount / availableParallelism())
  const builders: Promise<unknown>[] = []
  for (let from = 0; from < amount; from += share) {
    const options: TreeOptions = { directory, amount, from, to: Math.min(amount, from + share) }
    const builder = new Worker(new URL('./tree-thread.js', import.meta.url), { workerData: options })
    builders.push(once(builder, 'exit'))
  }
  await Promise.all(builders)
}
