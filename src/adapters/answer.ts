/** A Node callback. */
export type Callback<Value = void> = (error: Error | null, value?: Value) => void

/**
 * Gives an outcome to a callback: once, and from outside the promise chain. So a callback that throws becomes an
 * uncaught exception, as in any other store; it is not called again with its own error, and the error is not lost.
 *
 * @param unheard takes the error when there is no callback
 * @param forgives tells errors that are none to the caller: he gets the answer of a success
 */
export function answer<Value>(
  outcome: Promise<Value>,
  callback: Callback<Value> | undefined,
  unheard: (error: Error) => void,
  forgives?: (error: Error) => boolean,
): void {
  // Callers without types give `null` for none, too; to find that out in the next tick would end the process.
  const heard = typeof callback === 'function' ? callback : undefined
  outcome.then(
    (value) => {
      if (heard !== undefined) process.nextTick(heard, null, value)
    },
    (error: Error) => {
      if (forgives?.(error) !== true) process.nextTick(heard ?? unheard, error)
      else if (heard !== undefined) process.nextTick(heard, null)
    },
  )
}
