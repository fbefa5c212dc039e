import type { RoundResult } from './contestant.js'
import type { Usage } from './usage.js'

/** What was done between two moments, and what it took. */
export interface Work {
  readonly operations: number
  readonly usage: Usage
  /** Microseconds of processor time of a server at both moments, where there is one. */
  readonly server: readonly [before: number | undefined, after: number | undefined]
}

/** How fast operations were, and what each of them cost. */
export function rates({
  operations,
  usage,
  server: [serverBefore, serverAfter],
}: Work): Pick<
  RoundResult,
  'perSecond' | 'loopMicroseconds' | 'mainThreadMicroseconds' | 'processMicroseconds' | 'serverMicroseconds'
> {
  if (operations === 0) throw new Error('nothing was done in a whole round')
  return {
    perSecond: operations / usage.seconds,
    loopMicroseconds: usage.loopMicroseconds / operations,
    mainThreadMicroseconds: per(usage.mainThreadMicroseconds, operations),
    processMicroseconds: usage.processMicroseconds / operations,
    serverMicroseconds: per(between(serverBefore, serverAfter), operations),
  }
}

/** The difference of two readings, if there are both. */
export function between(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before
}

/** The share of one operation, if there is something to share. */
export function per(amount: number | undefined, operations: number): number | undefined {
  return amount === undefined ? undefined : amount / operations
}
