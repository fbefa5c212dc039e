/** What every peer saves: a session of an online shop, as express-session would hand it over. */
export interface BenchSession extends Record<string, unknown> {
  visits: number
}

/** Keys that a bench uses, unless it says otherwise or there are more callers than that. */
export const KEYS = 1_000

const KEY_LENGTH = 32

/** So many digits from the beginning on, that every version takes the same number of bytes. */
const FIRST_VISIT = 1_000_000

/** Keys as Django makes them: 32 characters of a-z and 0-9, the same in every process. */
export function makeKeys(count: number): string[] {
  let state = 0x2545f491
  const next = (): number => {
    // xorshift: any spread of characters does, as long as every peer gets the same.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const digits = Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0))
  const codes = new Array<number>(KEY_LENGTH)
  return Array.from({ length: count }, (_, index) => {
    // The first six digits are the ordinal, so that no key occurs twice.
    for (let at = 0, rest = index; at < KEY_LENGTH; at++) {
      const digit = at < 6 ? rest % 36 : next() % 36
      codes[at] = digits[digit] ?? 0
      rest = Math.floor(rest / 36)
    }
    // Built in one go: a string that is put together piece by piece keeps all the pieces until it is first read.
    return String.fromCharCode(...codes)
  })
}

/** The session of one key; 393 bytes as JSON, some 80 fewer as MessagePack. */
export function makeSession(index: number): BenchSession {
  return {
    cookie: { originalMaxAge: 1_209_600_000, expires: '2035-01-01T00:00:00.000Z', httpOnly: true, path: '/' },
    userId: 100_000 + (index % 100_000),
    email: 'margarethe.lindqvist@example.org',
    csrf: 'pX3mN8vQ2rT6wY9zB4cF7hK1',
    locale: 'en-GB',
    visits: FIRST_VISIT,
    lastPath: '/catalogue/coats/7730-navy?size=L',
    cart: [
      { sku: 'SHOE-4411-BLK-42', quantity: 1, price: 8995 },
      { sku: 'COAT-7730-NVY-0L', quantity: 2, price: 24995 },
    ],
  }
}

/** Keys and their sessions. Callers change the visits before each save, so that no two versions are alike. */
export interface Workload {
  readonly keys: readonly string[]
  readonly sessions: readonly BenchSession[]
}

/** What callers in a closed loop do. */
export interface LoopOptions {
  /** How many sessions they go through in turn. */
  readonly sessions: number
  readonly operation: 'save' | 'load'
}

/** The loop where nothing else is said. */
export const HOT_SAVES: LoopOptions = { sessions: KEYS, operation: 'save' }

/** As many keys as there are callers at the least: each caller has keys of its own. */
export function makeWorkload(callers: number, count = KEYS): Workload {
  const keys = makeKeys(Math.max(count, callers))
  return { keys, sessions: keys.map((_, index) => makeSession(index)) }
}
