import type { Random } from './random.js'

/** Something that reads bytes which anybody may have written. */
export interface Decoder {
  /** Real ones, which inputs are made of. */
  readonly seeds: readonly Buffer[]
  /** Fed as they are, once: too large to be made anything else of a million times. */
  readonly whole?: readonly Buffer[]
  /** Makes checksums and signatures right again, so that what lies behind them is reached. */
  readonly repair: (bytes: Buffer, random: Random) => Buffer
  /**
   * Decodes an input, and everything that an engine would go on to do with it.
   * @returns what became of it, in a word
   * @throws whatever must not have happened; what is asynchronous rejects
   */
  readonly feed: (bytes: Buffer) => string | Promise<string>
}

/** What is wrong with a decoder. */
export class Violation extends Error {}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what)
}
