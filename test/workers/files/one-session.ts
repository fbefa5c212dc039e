import { Status } from '#dist/workers/protocol/index.js'

/* What each operation does to one session, were it alone: the yardstick for what several did at once. */

/** Everything that can be done to a session; a touch lengthens its life, shortens it, or ends it. */
export const OPERATIONS = [
  'create',
  'update',
  'replace',
  'save',
  'lengthen',
  'shorten',
  'end',
  'delete',
  'load',
  'sweep',
] as const
/** `reseal`: a sweep that seals anew, where there is a seal. */
export type Operation = (typeof OPERATIONS)[number] | 'reseal'

/** What an operation told: its status, or what it loaded. */
export type Told = number | string | undefined

/** Who did what, and what he was told. */
export interface Step {
  readonly operation: Operation
  /** 0, 1 or 2: each writes a text and an expiry of its own. */
  readonly process: number
  told: Told
  /** Moments, by any clock. */
  began: number
  ended: number
}

/** What a process writes, and the minutes that it gives a session. */
export function textOf(process: number): string {
  return `by ${'ABC'[process]}`
}

/** The text of the session that all begin with where one is alive; a replace replaces it and no other. */
export const INITIAL_TEXT = 'initial'

const LIVES = { initial: 123, save: 120, lengthen: 300, shorten: 30 }

/** Minutes that an operation of a process gives a session to live. */
export function minutesOf(operation: keyof typeof LIVES, process: number): number {
  // B's are shorter than A's, C's longer: so a touch can be the shorter of two that shorten.
  return LIVES[operation] + ([0, -10, 10][process] ?? 0)
}

/** A session as text and minutes; two are the same when these are. */
export function session(text: string, minutes: number): string {
  return `${text}, ${minutes} minutes`
}

/** The session that all begin with where one is alive. */
export const INITIAL = session(INITIAL_TEXT, minutesOf('initial', 0))

/** What an operation tells, and what is stored after it. */
function model(
  { operation, process }: Step,
  stored: string | undefined,
  mayOverwrite: boolean,
): [told: Told, stored: string | undefined] {
  const { DONE, ABSENT, CONFLICT, SUPERSEDED } = Status
  const written = session(textOf(process), minutesOf('save', process))
  switch (operation) {
    case 'create':
      return stored === undefined ? [DONE, written] : [CONFLICT, stored]
    case 'update':
      return stored === undefined ? [ABSENT, undefined] : [DONE, written]
    case 'replace':
      if (stored === undefined) return [ABSENT, undefined]
      return stored.startsWith(`${INITIAL_TEXT},`) || mayOverwrite ? [DONE, written] : [SUPERSEDED, stored]
    case 'save':
      return [DONE, written]
    case 'lengthen':
    case 'shorten':
      if (stored === undefined) return [ABSENT, undefined]
      return [DONE, session(stored.replace(/,.*/, ''), minutesOf(operation, process))]
    case 'end':
      return [stored === undefined ? ABSENT : DONE, undefined]
    case 'delete':
      return [DONE, undefined]
    case 'load':
      return [stored, stored]
    case 'sweep':
    case 'reseal':
      return [DONE, stored]
  }
}

/**
 * Whether some order, in which nobody is before one who had ended when he began, explains all that was told. A replace that
 * was told it is done may have overwritten what somebody saved or updated in the midst of it.
 */
export function isExplained(
  initial: string | undefined,
  steps: readonly Step[],
  final: string | undefined,
): boolean {
  return orders(steps).some((order) => {
    let stored = initial
    return (
      order.every((step) => {
        const mayOverwrite = step.process === 0 && step.told === Status.DONE && steps.some(isSave)
        const [expected, next] = model(step, stored, mayOverwrite)
        stored = next
        return expected === step.told
      }) && stored === final
    )
  })
}

/** Holds no claim, and is run in the midst of another. */
function isSave({ operation, process }: Step): boolean {
  return process > 0 && (operation === 'save' || operation === 'update')
}

function orders(steps: readonly Step[]): readonly (readonly Step[])[] {
  if (steps.length === 0) return [[]]
  return steps
    .filter((first) => steps.every((other) => other.ended >= first.began))
    .flatMap((first) => orders(steps.filter((step) => step !== first)).map((rest) => [first, ...rest]))
}
