/** What a feeding thread is told. */
export interface Feeding {
  readonly decoder: string
  readonly seed: number
  readonly inputs: number
}

/** How many inputs had which outcome. */
export type Outcomes = Readonly<Record<string, number>>

/*
 * The memory that both threads see: two words, and from INPUT_AT on the present input.
 */

/** Word that counts inputs. */
export const MADE = 0
/** Word that tells the length of the present one. */
export const LENGTH = 1
/** Where the present input lies. */
export const INPUT_AT = 8
/** Bytes of it that are kept. */
export const MOST_KEPT = 256 * 1024
