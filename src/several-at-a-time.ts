import PQueue from 'p-queue'

/** Options of {@link severalAtATime}. */
export interface SeveralOptions {
  /** Entries in hand at a time. */
  readonly atOnce: number
  /** Stops after what is under way. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Does something with every entry of a stream, several at a time. The first failure ends it: what was begun is waited for, what waits is
 * not begun.
 * @throws what the stream or the work has thrown first
 */
export async function severalAtATime<Entry>(
  entries: AsyncIterable<Entry>,
  work: (entry: Entry) => Promise<void>,
  { atOnce, signal }: SeveralOptions,
): Promise<void> {
  const queue = new PQueue({ concurrency: atOnce })
  let failure: { readonly error: unknown } | undefined
  const begin = async (entry: Entry): Promise<void> => {
    if (failure !== undefined) return
    try {
      await work(entry)
    } catch (error) {
      failure ??= { error }
    }
  }
  try {
    for await (const entry of entries) {
      if (failure !== undefined || signal?.aborted === true) break
      await queue.onSizeLessThan(atOnce)
      void queue.add(() => begin(entry))
    }
  } finally {
    await queue.onIdle()
  }
  if (failure !== undefined) throw failure.error
}
