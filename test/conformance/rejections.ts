import * as assert from 'uvu/assert'

/** The reason a promise rejects with, which has to be of the given class. */
export async function rejection<Failure extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...values: never[]) => Failure,
): Promise<Failure> {
  const reason = await promise.then(
    () => assert.unreachable(`resolved, and should have rejected with ${kind.name}`),
    (error: unknown) => error,
  )
  if (!(reason instanceof kind)) {
    throw new Error(`rejected with ${String(reason)}, and should have with ${kind.name}`, { cause: reason })
  }
  return reason
}

/** What became of a promise, in one word: the value's, or the error's class. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error instanceof Error ? error.constructor.name : error))
}
