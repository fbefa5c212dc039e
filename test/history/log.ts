import { readFileSync } from 'node:fs'
import type { Timed } from './checker.js'
import { type CallLine, FAILED, type ToldLine } from './messages.js'
import { isLook, type SessionOperation } from './model.js'

/** What is known of an operation beside what it tells. */
export interface Recorded {
  readonly key: string
  readonly timed: Timed<SessionOperation>
  /**
   * Whether it keeps to no order: what a worker did before it died of its batch, and another one has done anew, or what other processes
   * have brought to an end.
   */
  readonly isBesideOrder?: boolean
}

/** What to make of a process's log. */
export interface LogReading {
  /** Moments are counted from here. */
  readonly origin: bigint
  /** When the end of the process was seen: what it had begun has happened by then, or never. */
  readonly died: bigint | undefined
  /**
   * Whether others store in the same directory. Then what a worker had in hand when it died may take effect more than once,
   * with what they store in between; or take effect, and be told when it is tried again that it has not.
   */
  readonly shared: boolean
  /** Whether it is on a server, which may read what a process has sent when that has died. */
  readonly remote: boolean
  /**
   * Whether there is a journal: then a `loadWithExpiry` that is answered from a file may tell what a touch has made of its life
   * that was issued after it, and before it was answered.
   */
  readonly ahead: boolean
  /** The engine that did it. */
  readonly issuer: string
  /** What an operation may fail with, by what was done to the process: any other failure is one of the product. */
  readonly mayFail: ReadonlySet<string>
}

/** The operations of a log, from where the last reading of it has ended. */
export class Log {
  readonly path: string
  #read = 0
  #deaths = 0

  constructor(path: string) {
    this.path = path
  }

  /** Of all operations that were answered, how many workers died meanwhile, added up. */
  get deaths(): number {
    return this.#deaths
  }

  /** @throws {Error} when a process that lives has not told the end of something, or something failed that had no reason to */
  next(reading: LogReading): Recorded[] {
    const text = readFileSync(this.path, 'utf8').slice(this.#read)
    this.#read += text.length
    const called = new Map<number, CallLine>()
    const recorded: Recorded[] = []
    for (const line of text.split('\n')) {
      if (line === '') continue
      const entry = JSON.parse(line) as CallLine | ToldLine
      if ('call' in entry) {
        called.set(entry.id, entry)
        continue
      }
      const call = called.get(entry.id)
      if (call === undefined) throw new Error(`an answer without a call: ${line}`)
      called.delete(entry.id)
      this.#deaths += entry.deaths
      recorded.push(...answered(call, entry, reading))
    }
    if (called.size > 0 && reading.died === undefined)
      throw new Error(`${called.size} operations were never settled`)
    for (const call of called.values()) recorded.push(...unanswered(call, reading.died ?? 0n, reading))
    return recorded.map(({ key, timed, isBesideOrder }) =>
      isBesideOrder || mayComeLate(timed.operation, reading)
        ? { key, timed }
        : { key, timed: { ...timed, issuer: reading.issuer } },
    )
  }
}

/** A look that was to be answered from a save that failed is issued anew, behind what has been issued since. */
function mayComeLate(operation: SessionOperation, { ahead, mayFail }: LogReading): boolean {
  return (isLook(operation) && mayFail.size > 0) || (ahead && operation.kind === 'loadWithExpiry')
}

/** Nobody was told anything, and nobody will be. */
function unanswered(
  { key, call, began }: CallLine,
  died: bigint,
  { origin, remote }: LogReading,
): Recorded[] {
  if (isLook(call)) return []
  const ended = remote ? Number.POSITIVE_INFINITY : since(origin, died)
  return [{ key, timed: { operation: call, began: since(origin, began), ended, optional: true } }]
}

function answered(
  { key, call, began }: CallLine,
  told: ToldLine,
  { origin, shared, mayFail }: LogReading,
): Recorded[] {
  const begins = since(origin, began)
  const ends = since(origin, told.ended)
  const failure = told.told.startsWith(FAILED) ? told.told.slice(FAILED.length) : undefined
  if (failure !== undefined && !mayFail.has(failure))
    throw new Error(`a ${call.kind} of ${key} failed with ${failure}, for no reason`)
  if (isLook(call)) {
    if (failure !== undefined) return []
    return [
      {
        key,
        timed: { operation: { ...call, told: told.told }, began: begins, ended: ends, optional: false },
      },
    ]
  }
  const once: Timed<SessionOperation> =
    failure === undefined
      ? { operation: { ...call, told: told.told }, began: begins, ended: ends, optional: false }
      : { operation: call, began: begins, ended: endOfFailed(failure, ends, shared), optional: true }
  const repeats = shared ? Math.min(told.deaths, MOST_REPEATS) : 0
  const again: Timed<SessionOperation> = { operation: call, began: begins, ended: ends, optional: true }
  return [
    { key, timed: once, isBesideOrder: shared && failure === 'WORKER_LOST' },
    ...Array.from({ length: repeats }, () => ({ key, timed: again, isBesideOrder: true })),
    // Where it shares a slot with others that were issued before it, it is done before them, the first time.
    ...Array.from({ length: told.reconnects }, () => ({ key, timed: again, isBesideOrder: true })),
  ]
}

/**
 * What is rejected has taken effect by then, or never does. What a worker has left half done when it died, another process
 * may bring to an end, or undo.
 */
function endOfFailed(failure: string, ends: number, shared: boolean): number {
  return shared && failure === 'WORKER_LOST' ? Number.POSITIVE_INFINITY : ends
}

/** A batch is tried twice, and then each of its operations alone. */
const MOST_REPEATS = 2

function since(origin: bigint, moment: bigint | string): number {
  return Number(BigInt(moment) - origin)
}
