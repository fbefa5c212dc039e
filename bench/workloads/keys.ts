const KEY_LENGTH = 32
const DIGITS = Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0))
/** Digits in front that are the ordinal, so that no key occurs twice. */
const ORDINAL_DIGITS = 6

/** Makes keys as Django does, 32 characters of a-z and 0-9; the same ones, in the same order, in every process. */
export class KeyMaker {
  readonly #codes = new Array<number>(KEY_LENGTH)
  #state = 0x2545f491
  #ordinal = 0

  next(): string {
    for (let at = 0, rest = this.#ordinal; at < KEY_LENGTH; at++) {
      this.#codes[at] = DIGITS[at < ORDINAL_DIGITS ? rest % 36 : this.#random() % 36] ?? 0
      rest = Math.floor(rest / 36)
    }
    this.#ordinal++
    // Built in one go: a string that is put together piece by piece keeps all the pieces until it is first read.
    return String.fromCharCode(...this.#codes)
  }

  /** Xorshift: any spread of characters does, as long as every peer gets the same. */
  #random(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }
}

/** The first so many keys. */
export function makeKeys(count: number): string[] {
  const maker = new KeyMaker()
  return Array.from({ length: count }, () => maker.next())
}
