/*
 * Whether what several callers were told at the same time can be explained by one order of their operations, in which none
 * is before one that had ended when it began: linearizability.
 *
 * A search for such an order, as Wing and Gong describe it, which never looks twice at the same operations done with the
 * same state left, as Lowe has added. Histories are checked one key at a time: what is so for every key is so for all
 * together.
 */

/** What a thing does when one operation comes after the other. */
export interface Model<State, Operation> {
  readonly initial: State
  /** What is left after an operation that told what it did tell; `undefined` when it cannot have told that. */
  apply(state: State, operation: Operation): { readonly state: State } | undefined
  /** Two states are the same when these are. */
  nameOf(state: State): string
}

/** An operation that somebody called, and when, by a clock that all share. */
export interface Timed<Operation> {
  readonly operation: Operation
  readonly began: number
  /** When its caller was told; at the latest it has taken effect by then. */
  readonly ended: number
  /** Nobody knows whether it has taken effect: it may, once, between the two moments, or not at all. */
  readonly optional: boolean
  /** Operations of one issuer take effect in the order in which they began, also where they overlap. */
  readonly issuer?: string
}

/** What came of it. */
export interface Verdict<Operation> {
  readonly explained: boolean
  /** An order that explains all, or the longest one found that explains a part. */
  readonly order: readonly Timed<Operation>[]
  /** How many states the search has looked at. */
  readonly states: number
}

/** The search gave up: the history has too much at once. */
export class TooManyStatesError extends Error {
  constructor(states: number, operations: number) {
    super(`no verdict on ${operations} operations after ${states} states: fewer of them have to overlap`)
  }
}

/**
 * Looks for an order that explains a history.
 *
 * @param mostStates Past it the search gives up.
 * @throws {TooManyStatesError}
 */
export function explain<State, Operation>(
  model: Model<State, Operation>,
  history: readonly Timed<Operation>[],
  mostStates = 1_000_000,
): Verdict<Operation> {
  return new Search(model, history, mostStates).run()
}

interface Entry<Operation> {
  readonly timed: Timed<Operation>
  /** One just like it, which comes first if both come: nothing is to be tried twice. */
  readonly twin: Entry<Operation> | undefined
  done: boolean
}

class Search<State, Operation> {
  readonly #model: Model<State, Operation>
  /** Both in the order in which they began. */
  readonly #certain: readonly Entry<Operation>[]
  readonly #optional: readonly Entry<Operation>[]
  readonly #mostStates: number
  readonly #seen = new Set<string>()
  readonly #order: Timed<Operation>[] = []
  /** When the last one of each issuer began, of those that are done. */
  readonly #latestOf = new Map<string, number>()
  #longest: readonly Timed<Operation>[] = []

  constructor(model: Model<State, Operation>, history: readonly Timed<Operation>[], mostStates: number) {
    const entries: Entry<Operation>[] = []
    for (const timed of [...history].sort((one, other) => one.began - other.began)) {
      const twin = entries.findLast((entry) => areTwins(entry.timed, timed))
      entries.push({ timed, twin, done: false })
    }
    this.#model = model
    this.#certain = entries.filter(({ timed }) => !timed.optional)
    this.#optional = entries.filter(({ timed }) => timed.optional)
    this.#mostStates = mostStates
  }

  run(): Verdict<Operation> {
    const explained = this.#visit(this.#model.initial, 0, Number.NEGATIVE_INFINITY)
    return { explained, order: explained ? this.#order : this.#longest, states: this.#seen.size }
  }

  /**
   * @param from All certain ones before it are done.
   * @param latest The latest beginning of those that are done: what had ended before it comes too late.
   */
  #visit(state: State, from: number, latest: number): boolean {
    let first = from
    while (this.#certain[first]?.done === true) first++
    if (first === this.#certain.length) return true
    const name = this.#nameOf(state, first, latest)
    if (this.#seen.has(name)) return false
    if (this.#seen.size === this.#mostStates)
      throw new TooManyStatesError(this.#mostStates, this.#certain.length)
    this.#seen.add(name)
    if (this.#order.length > this.#longest.length) this.#longest = [...this.#order]
    for (const entry of this.#candidates(first, latest)) {
      const next = this.#model.apply(state, entry.timed.operation)
      if (next === undefined) continue
      const { began, issuer } = entry.timed
      const before = this.#doneOf(issuer)
      entry.done = true
      this.#order.push(entry.timed)
      if (issuer !== undefined) this.#latestOf.set(issuer, began)
      if (this.#visit(next.state, first, Math.max(latest, began))) return true
      if (issuer !== undefined) this.#latestOf.set(issuer, before)
      this.#order.pop()
      entry.done = false
    }
    return false
  }

  /** Those that may be next: all that began before any other, which has to come too, had ended. */
  #candidates(first: number, latest: number): Entry<Operation>[] {
    const candidates: Entry<Operation>[] = []
    const issuers = new Set<string>()
    let firstEnd = Number.POSITIVE_INFINITY
    for (let index = first; index < this.#certain.length; index++) {
      // Within the bounds of the array.
      const entry = this.#certain[index] as Entry<Operation>
      if (entry.timed.began > firstEnd) break
      if (entry.done) continue
      const { ended, issuer } = entry.timed
      firstEnd = Math.min(firstEnd, ended)
      if (issuer === undefined || !issuers.has(issuer)) candidates.push(entry)
      if (issuer !== undefined) issuers.add(issuer)
    }
    for (const entry of this.#optional) {
      const { began, ended } = entry.timed
      if (began > firstEnd) break
      if (ended >= latest && !this.#isOut(entry) && entry.twin?.done !== false) candidates.push(entry)
    }
    return candidates.filter(({ timed }) => !timed.optional || !this.#hasEarlier(timed, first))
  }

  /** Whether an optional one cannot come any more: it is done, or a later one of its issuer is. */
  #isOut({ done, timed: { began, issuer } }: Entry<Operation>): boolean {
    return done || began < this.#doneOf(issuer)
  }

  #doneOf(issuer: string | undefined): number {
    return (issuer === undefined ? undefined : this.#latestOf.get(issuer)) ?? Number.NEGATIVE_INFINITY
  }

  /** Whether its issuer has one that has to come, and to come first. */
  #hasEarlier({ began, issuer }: Timed<Operation>, first: number): boolean {
    if (issuer === undefined) return false
    for (let index = first; index < this.#certain.length; index++) {
      const { timed, done } = this.#certain[index] as Entry<Operation>
      if (timed.began >= began) return false
      if (!done && timed.issuer === issuer) return true
    }
    return false
  }

  /** What is done, and what is left. Of the optional ones that come too late by now it does not matter whether they are done. */
  #nameOf(state: State, first: number, latest: number): string {
    let name = `${this.#model.nameOf(state)}|${first}`
    for (let index = first; index < this.#certain.length; index++) {
      const entry = this.#certain[index] as Entry<Operation>
      // None of those that began later than this is done.
      if (entry.timed.began > latest) break
      if (entry.done) name += `,${index}`
    }
    name += '|'
    for (const [index, entry] of this.#optional.entries()) {
      const { began, ended } = entry.timed
      if (began > latest) break
      // A later one of its issuer may have kept it out, which the others need not tell: it may have come too late itself by now.
      if (ended >= latest && this.#isOut(entry)) name += `,${index}`
    }
    return name
  }
}

/** Whether one and the same call may have taken effect more than once, and in no order. */
function areTwins<Operation>(one: Timed<Operation>, other: Timed<Operation>): boolean {
  return (
    one.optional &&
    other.optional &&
    one.issuer === undefined &&
    other.issuer === undefined &&
    one.operation === other.operation &&
    one.began === other.began &&
    one.ended === other.ended
  )
}
