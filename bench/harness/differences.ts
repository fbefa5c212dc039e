/** The difference of two readings, if there are both. */
export function between(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before
}

/** The share of one operation, if there is something to share. */
export function per(amount: number | undefined, operations: number): number | undefined {
  return amount === undefined ? undefined : amount / operations
}
