import type { RoundResult } from './contestant.js'
import { between, per } from './differences.js'
import type { ServerUsage, Usage } from './usage.js'

/** What was done between two moments, and what it took. */
export interface Work {
  readonly operations: number
  readonly usage: Usage
  /** What a server had used at both moments, where there is one. */
  readonly server: readonly [before: ServerUsage | undefined, after: ServerUsage | undefined]
}

/** How fast operations were, and what each of them cost. */
export function rates({
  operations,
  usage,
  server: [before, after],
}: Work): Pick<
  RoundResult,
  | 'perSecond'
  | 'loopMicroseconds'
  | 'mainThreadMicroseconds'
  | 'processMicroseconds'
  | 'serverMicroseconds'
  | 'bytesWritten'
  | 'peakMemoryBytes'
> {
  if (operations === 0) throw new Error('nothing was done in a whole round')
  const byServer = between(before?.bytesWritten, after?.bytesWritten) ?? 0
  return {
    perSecond: operations / usage.seconds,
    loopMicroseconds: usage.loopMicroseconds / operations,
    mainThreadMicroseconds: per(usage.mainThreadMicroseconds, operations),
    processMicroseconds: usage.processMicroseconds / operations,
    serverMicroseconds: per(between(before?.cpuMicroseconds, after?.cpuMicroseconds), operations),
    bytesWritten: usage.bytesWritten === undefined ? undefined : (usage.bytesWritten + byServer) / operations,
    peakMemoryBytes: usage.peakMemoryBytes,
  }
}
