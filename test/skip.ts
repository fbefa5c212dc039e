import type { Callback, Test } from 'uvu'

/** Registers a test, or skips it. */
export type Register = <Context>(test: Test<Context>, title: string, body: Callback<Context>) => void

/**
 * For tests that need what not every machine has: they run where the condition holds; elsewhere they are counted
 * as skipped, and the reason is told. With `REQUIRE_FAULTS=1`, as where everything is installed, they fail instead.
 *
 * @example
 * const asRoot = skipUnless(process.getuid?.() === 0, 'needs root')
 * asRoot(test, 'a directory of another user is refused', async () => { … })
 */
export function skipUnless(condition: boolean, reason: string): Register {
  return (test, title, body) => {
    if (condition) {
      test(title, body)
      return
    }
    if (process.env.REQUIRE_FAULTS === '1') {
      test(title, () => {
        throw new Error(`cannot run here, and REQUIRE_FAULTS=1 says that it has to: ${reason}`)
      })
      return
    }
    test.skip(title, body)
    // The runner looks for this line.
    console.log(`skipped: ${title}: ${reason}`)
  }
}

/** The same for what is missing, in words; `undefined` where nothing is. */
export function skipWhere(missing: string | undefined): Register {
  return skipUnless(missing === undefined, missing ?? 'nothing is missing')
}
