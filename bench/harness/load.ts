import { performance } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Operation } from '../workloads/operations.js'
import type { Pick } from '../workloads/pick.js'
import type { RoundSettings } from './contestant.js'

/** Operations under way, one after the other or as the clock says. */
export interface Load {
  /** Rejects when an operation does, and settles when it was stopped and nothing is under way any more. */
  readonly ended: Promise<void>
  /** No more operations after those that are under way. */
  stop(): void
}

/** Hears of each operation how many milliseconds it took. */
export type OnDone = (milliseconds: number) => void

/**
 * Operations after which a caller waits for the next turn of the event loop. Those that are answered from memory, without
 * one, would never let the clock of the round have its turn.
 */
const OPERATIONS_WITHOUT_TURN = 64

/**
 * Callers who issue their next operation when the one before is done: what a store can do at most. The end of one operation is
 * the beginning of the next: a look at the clock takes as long as some of the steps that are measured.
 */
export function closedLoop(operation: Operation, picks: readonly Pick[], onDone: OnDone): Load {
  let running = true
  const call = async (pick: Pick): Promise<void> => {
    let startedAt = performance.now()
    for (let turn = 1; running; turn++) {
      await operation(pick())
      const endedAt = performance.now()
      onDone(endedAt - startedAt)
      startedAt = endedAt
      if (turn % OPERATIONS_WITHOUT_TURN !== 0) continue
      await nextTurn()
      startedAt = performance.now()
    }
  }
  return {
    ended: Promise.all(picks.map(call)).then(() => undefined),
    stop: () => {
      running = false
    },
  }
}

/**
 * Operations under way at the most: where a store cannot keep up, those that are due wait to be issued, and the time of
 * each runs all the same.
 */
const MOST_UNDER_WAY = 10_000
/** Milliseconds that it is worth sleeping for; below, the loop turns on. */
const WORTH_SLEEPING = 2

/** How often operations are issued, and what is done between two of them. */
export interface OpenLoopSettings {
  readonly perSecond: number
  readonly between: NonNullable<RoundSettings['between']>
}

/**
 * Operations at a fixed rate, whether those before are done or not: as visitors come who know nothing of each other. The
 * time of each runs from the moment at which it was due, so one that had to wait until it could be issued has waited
 * (what leaves that out is called coordinated omission).
 */
export function openLoop(
  operation: Operation,
  pick: Pick,
  { perSecond, between }: OpenLoopSettings,
  onDone: OnDone,
): Load {
  let running = true
  let underWay = 0
  const period = 1000 / perSecond
  const issue = async (): Promise<void> => {
    let fail: (error: unknown) => void = () => undefined
    const failure = new Promise<never>((_, reject) => {
      fail = reject
    })
    failure.catch(() => undefined)
    let idle: () => void = () => undefined
    const isIdle = new Promise<void>((resolve) => {
      idle = resolve
    })
    const settle = (dueAt: number): void => {
      onDone(performance.now() - dueAt)
      underWay--
      if (!running && underWay === 0) idle()
    }
    const turns = async (): Promise<void> => {
      for (let dueAt = performance.now(); running; ) {
        for (const now = performance.now(); dueAt <= now && underWay < MOST_UNDER_WAY; dueAt += period) {
          const due = dueAt
          underWay++
          operation(pick()).then(() => settle(due), fail)
        }
        if (between === 'sleep' || dueAt - performance.now() > WORTH_SLEEPING) await delay(1)
        else await nextTurn()
      }
      if (underWay > 0) await isIdle
    }
    await Promise.race([turns(), failure])
  }
  return {
    ended: issue(),
    stop: () => {
      running = false
    },
  }
}
