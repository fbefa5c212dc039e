import { keyHash } from '#dist/workers/protocol/index.js'

/*
 * What is done to a key is known beforehand: its nth step follows from the key and n. So whoever knows how many steps were
 * acknowledged knows what is stored, and the version of a session tells which step wrote it.
 */

const KINDS = ['save', 'update', 'create', 'delete', 'touch', 'expire'] as const
/** How many of sixteen steps are of each kind. */
const SHARES = [6, 3, 3, 2, 1, 1] as const

/** `expire` is a touch that ends a session. */
export type StepKind = (typeof KINDS)[number]

/** What a caller hears: done, refused because there is a session, or because there is none. */
export type Outcome = 'done' | 'exists' | 'missing'

/** The version of the live session; `undefined` without one. */
export type State = number | undefined

/** What is known of a key. */
export interface Known {
  /** The last step that was acknowledged. */
  readonly step: number
  /** What it left; `null` for none, as JSON has it. */
  readonly version: number | null
}

/** What is done to a key as its nth step. */
export function stepKind(key: string, step: number): StepKind {
  let at = (keyHash(`${key} ${step}`) >>> 8) % 16
  for (const [index, share] of SHARES.entries()) {
    if (at < share) return KINDS[index] ?? 'save'
    at -= share
  }
  return 'save'
}

/** What a step makes of a state. */
export function stateAfter(key: string, step: number, before: State): State {
  switch (stepKind(key, step)) {
    case 'save':
      return step
    case 'update':
      return before === undefined ? undefined : step
    case 'create':
      return before ?? step
    case 'touch':
      return before
    default:
      return undefined
  }
}

/** What the caller of a step has to hear. */
export function outcomeOf(key: string, step: number, before: State): Outcome {
  const kind = stepKind(key, step)
  if (kind === 'create') return before === undefined ? 'done' : 'exists'
  if (kind === 'save' || kind === 'delete') return 'done'
  return before === undefined ? 'missing' : 'done'
}

/** What has to be stored, by what was acknowledged. One step of a key at a time is under way. */
export class Ledger {
  readonly #known = new Map<string, Known>()
  /** What was known of a key before the last acknowledgement of a change, where that came after the power was cut. */
  readonly #beforeLast = new Map<string, Known>()
  #cut = false

  constructor(known: Readonly<Record<string, Known>>) {
    for (const [key, value] of Object.entries(known)) this.#known.set(key, value)
  }

  /** For the process that goes on. */
  toJSON(): Record<string, Known> {
    return Object.fromEntries(this.#known)
  }

  get keys(): string[] {
    return [...this.#known.keys()]
  }

  step(key: string): number {
    return this.#of(key).step
  }

  state(key: string): State {
    return this.#of(key).version ?? undefined
  }

  /**
   * From here on, until `found`, the last acknowledgement of a change may be one too many. The kernel's shutdown of a file system
   * is no power cut to a sync that is under way meanwhile: it may succeed, and nothing of it be on the disk (seen with a
   * plain append and fdatasync, on XFS and ext4). No later sync succeeds, so it is one change of a key.
   */
  cut(): void {
    this.#cut = true
  }

  /** A step was acknowledged. Throws when its caller heard something else than he had to. */
  acknowledge(key: string, step: number, outcome: string): void {
    const before = this.state(key)
    if (step !== this.step(key) + 1) throw new Error(`${key}: step ${step} follows step ${this.step(key)}`)
    const due = outcomeOf(key, step, before)
    if (outcome !== due) {
      throw new Error(
        `${key}: step ${step}, ${stepKind(key, step)}, was ${outcome} instead of ${due} at ${before}`,
      )
    }
    const after = stateAfter(key, step, before)
    // One that changed nothing needed no sync: it may follow on the one that is too many.
    if (this.#cut && after !== before) this.#beforeLast.set(key, this.#of(key))
    this.#known.set(key, { step, version: after ?? null })
  }

  /**
   * This is stored after a crash: what the last acknowledged step left or, if that was under way, the one after it. Throws for
   * anything else.
   */
  found(key: string, version: State): void {
    this.#cut = false
    const beforeLast = this.#beforeLast.get(key)
    this.#beforeLast.delete(key)
    const state = this.state(key)
    if (version === state) return
    if (beforeLast !== undefined && version === (beforeLast.version ?? undefined)) {
      this.#known.set(key, beforeLast)
      return
    }
    const step = this.step(key) + 1
    if (version !== stateAfter(key, step, state)) {
      throw new Error(
        `${key}: ${version ?? 'nothing'} is stored after step ${step - 1} left ${state ?? 'nothing'}; ` +
          `the one under way was ${stepKind(key, step)}`,
      )
    }
    this.#known.set(key, { step, version: version ?? null })
  }

  #of(key: string): Known {
    return this.#known.get(key) ?? { step: 0, version: null }
  }
}

/** A ledger of keys that nothing was done to. */
export function newLedger(keys: readonly string[]): Ledger {
  return new Ledger(Object.fromEntries(keys.map((key) => [key, { step: 0, version: null }])))
}
