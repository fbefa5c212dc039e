/** A Node callback. */
export type Callback<Value = void> = (error: Error | null, value?: Value) => void

/**
 * Gives an outcome to a callback: once, and from outside the promise chain. So a callback that throws becomes an
 * uncaught exception, as in any other store; it is not called again with its own error, and the error is not lost.
 *
 * @param unheard takes the error when there is no callback
 */
export function answer<Value>(
  outcome: Promise<Value>,
  callback: Callback<Value> | undefined,
  unheard: (error: Error) => void,
): void {
  outcome.then(
    (value) => {
      if (callback !== undefined) process.nextTick(callback, null, value)
    },
    (error: Error) => {
      process.nextTick(callback ?? unheard, error)
    },
  )
}
