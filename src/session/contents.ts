import { SessionNotLoadedError } from './errors.js'

/** What a session holds: an object of its own, names to values. */
export type Values = Record<string, unknown>

/**
 * A session's values in hand, and what became of them. Names come from anywhere, so every look is for own properties,
 * and `__proto__` is a name like any other.
 */
export class Contents {
  /** `undefined` before they are loaded. */
  values: Values | undefined
  /** Whether anybody has read or written them. */
  accessed = false
  modified = false

  constructor(values: Values | undefined) {
    this.values = values
  }

  /**
   * The values, to be read or written.
   * @throws {SessionNotLoadedError}
   */
  use(): Values {
    if (this.values === undefined) throw new SessionNotLoadedError()
    this.accessed = true
    return this.values
  }

  /** Sets a value, of whatever name. */
  set(name: string, value: unknown): void {
    putValue(this.use(), name, value)
    this.modified = true
  }

  /** Removes a value; false when there is none of that name. */
  delete(name: string): boolean {
    const values = this.use()
    if (!Object.hasOwn(values, name)) return false
    delete values[name]
    this.modified = true
    return true
  }

  /** Removes all values, without having to know them. */
  clear(): void {
    this.values = {}
    this.accessed = true
    this.modified = true
  }
}

/** The value of this name, `undefined` where there is none. */
export function ownValue(values: Values, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

/** Sets a value; an assignment to `__proto__` would change the prototype instead. */
export function putValue(values: Values, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    values[name] = value
  }
}
