import { EncodeError } from '../errors.js'

/** Says what is wrong with a value, or `undefined` when nothing is. */
export type Objection = (value: unknown) => string | undefined

const MOST_DEPTH = 256

/**
 * Makes the error for a session that a codec refused: walks it, once, to find the value that is to blame. Slow,
 * and only reached when encoding has failed already.
 */
export function explainRefusal(session: object, objection: Objection, cause: unknown): EncodeError {
  const found = findOffender(session, objection, [], '')
  if (found !== undefined) return new EncodeError(found.path, found.reason, { cause })
  return new EncodeError('', 'was refused by the codec', { cause })
}

interface Offender {
  readonly path: string
  readonly reason: string
}

function findOffender(
  value: unknown,
  objection: Objection,
  ancestors: readonly object[],
  path: string,
): Offender | undefined {
  const reason = objection(value)
  if (reason !== undefined) return { path, reason }
  if (typeof value !== 'object' || value === null) return undefined
  if (ancestors.includes(value)) return { path, reason: 'refers back to an object that contains it' }
  if (ancestors.length >= MOST_DEPTH) return { path, reason: `is nested more than ${MOST_DEPTH} levels deep` }
  const inner = [...ancestors, value]
  for (const [child, childPath] of childrenOf(value, path)) {
    const found = findOffender(child, objection, inner, childPath)
    if (found !== undefined) return found
  }
  return undefined
}

function* childrenOf(value: object, path: string): Generator<readonly [child: unknown, path: string]> {
  if (ArrayBuffer.isView(value) || value instanceof Date) return
  if (Array.isArray(value)) {
    for (const [index, child] of value.entries()) yield [child, `${path}[${index}]`]
  } else if (value instanceof Map) {
    let index = 0
    for (const [key, child] of value) {
      yield [key, `${path}.keys()[${index}]`]
      yield [child, `${path}.values()[${index++}]`]
    }
  } else if (value instanceof Set) {
    let index = 0
    for (const child of value) yield [child, `${path}.values()[${index++}]`]
  } else {
    for (const name of Object.keys(value))
      yield [Reflect.get(value, name), path === '' ? name : `${path}.${name}`]
  }
}
