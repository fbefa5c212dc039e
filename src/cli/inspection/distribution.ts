/** How many of some numbers lie in each of a few ranges. */
export class Distribution {
  readonly #bounds: readonly number[]
  readonly #counts: number[]

  /** @param bounds Ascending; the last range, beyond them, has none. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  /** Counts a number in the first range whose bound it does not pass. */
  add(value: number): void {
    const index = this.#bounds.findIndex((bound) => value <= bound)
    const range = index === -1 ? this.#bounds.length : index
    this.#counts[range] = (this.#counts[range] ?? 0) + 1
  }

  /** Each range by its upper bound, `null` for the last one. */
  get ranges(): readonly { readonly upTo: number | null; readonly sessions: number }[] {
    return this.#counts.map((sessions, index) => ({ upTo: this.#bounds[index] ?? null, sessions }))
  }
}
