/** Whether everything is to be tried that a test can try: `npm run test:faults`, not `npm test`. */
export const FULL = process.env.TEST_BUDGET === 'full'

/**
 * How much a test does: what fits into the minutes of `npm test`, or all of it.
 *
 * @example
 * const ROUNDS = budget({ usual: 20, full: 1000 })
 */
export function budget({ usual, full }: { readonly usual: number; readonly full: number }): number {
  return FULL ? full : usual
}
