/** What every peer saves: a session of an online shop, as express-session would hand it over. */
export interface BenchSession extends Record<string, unknown> {
  visits: number
}

/** So many digits from the beginning on, that every version takes the same number of bytes. */
const FIRST_VISIT = 1_000_000

/**
 * The session of one key; 393 bytes as JSON, some 80 fewer as MessagePack. Made by one literal, without a spread: with one,
 * V8 gives every object a hidden class of its own, and whatever looks into them, of any contestant, finds each as if it
 * were the first of its kind. A server's sessions, made or decoded by one piece of code, share theirs.
 */
export function makeSession(index: number): BenchSession {
  return {
    cookie: cookie(),
    userId: userId(index),
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

/**
 * The session of one key with about so many bytes as JSON, 100 at the least: as a cart that fills, with a cookie that says no
 * more than stores need where there is no room for more.
 */
export function sizedSession(index: number, bytes: number): BenchSession {
  const cart: object[] = []
  const session: BenchSession =
    bytes < 200
      ? { cookie: { originalMaxAge: MAX_AGE }, visits: FIRST_VISIT, cart }
      : { cookie: cookie(), userId: userId(index), visits: FIRST_VISIT, cart }
  for (let size = JSON.stringify(session).length; size + ITEM_BYTES <= bytes; size += ITEM_BYTES)
    cart.push({ sku: itemName(index + cart.length), quantity: 1, price: 8995 })
  const missing = bytes - JSON.stringify(session).length - NOTE_BYTES
  if (missing > 0) session.note = 'x'.repeat(missing)
  return session
}

/** Of an item in the cart as JSON, with its comma. */
const ITEM_BYTES = 54
/** Of the note's name, quotes and colon. */
const NOTE_BYTES = 10

function itemName(number: number): string {
  return `COAT-${String(number % 10_000).padStart(4, '0')}-NVY-0L`
}

/** Milliseconds of a fortnight. */
const MAX_AGE = 1_209_600_000

function cookie(): object {
  return { originalMaxAge: MAX_AGE, expires: '2035-01-01T00:00:00.000Z', httpOnly: true, path: '/' }
}

function userId(index: number): number {
  return 100_000 + (index % 100_000)
}
