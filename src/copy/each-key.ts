import PQueue from 'p-queue'
import type { SessionEngine } from '../engine/session-engine.js'

/** Sessions in hand at a time: some batches' worth. */
export const AT_ONCE = 256

/**
 * Does something with every key of an engine, {@link AT_ONCE} at a time, until a signal says that it is enough. The first failure
 * ends it, when what was begun is through.
 */
export async function eachKey(
  engine: SessionEngine<object>,
  work: (key: string) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = new PQueue({ concurrency: AT_ONCE })
  let failure: { readonly error: unknown } | undefined
  const begin = async (key: string): Promise<void> => {
    if (failure !== undefined) return
    try {
      await work(key)
    } catch (error) {
      failure ??= { error }
    }
  }
  try {
    for await (const key of engine.keys()) {
      if (failure !== undefined || signal?.aborted === true) break
      await queue.onSizeLessThan(AT_ONCE)
      void queue.add(() => begin(key))
    }
  } finally {
    await queue.onIdle()
  }
  if (failure !== undefined) throw failure.error
}
