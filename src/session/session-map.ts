import { refuse } from '../option-checks.js'
import { type Contents, ownValue, putValue } from './contents.js'
import { MissingNameError } from './errors.js'
import {
  EXPIRY_NAME,
  type ExpiryOptions,
  expiryAge,
  expiryDate,
  readExpiry,
  type SessionExpiry,
  storedExpiry,
} from './expiry.js'

/** The names of a session of this shape. */
export type NameOf<Data extends object> = keyof Data & string

const TEST_COOKIE_NAME = 'testcookie'
const TEST_COOKIE_VALUE = 'worked'

/** How long a session lives that has no expiry of its own. */
export interface ExpiryDefaults {
  /** Seconds. */
  readonly maxAge: number
  readonly expireAtBrowserClose: boolean
}

/** The part of a Session that touches no storage: its values, Map-like, and its expiry. */
export abstract class SessionMap<Data extends object> {
  readonly #contents: Contents
  readonly #defaults: ExpiryDefaults

  constructor(contents: Contents, defaults: ExpiryDefaults) {
    this.#contents = contents
    this.#defaults = defaults
  }

  /** Whether anything in the session was read or written through this object: the response depends on the cookie. */
  get accessed(): boolean {
    return this.#contents.accessed
  }

  /** Whether the session was changed. Set it to true after a change inside a value, which cannot be seen from here. */
  get modified(): boolean {
    return this.#contents.modified
  }

  set modified(modified: boolean) {
    this.#contents.modified = modified
  }

  /** Whether values can be read and written: true from the start where there is no key. */
  get isLoaded(): boolean {
    return this.#contents.values !== undefined
  }

  /** No key and nothing in it: there is nothing to store, and nothing for a client to come back to. */
  abstract get isEmpty(): boolean

  /**
   * The value of this name, or `fallback`.
   * @throws {SessionNotLoadedError} as everything that reads or writes a value, before `load()` where there is a key
   */
  get<Name extends NameOf<Data>>(name: Name): Data[Name] | undefined
  get<Name extends NameOf<Data>, Fallback>(name: Name, fallback: Fallback): Data[Name] | Fallback
  get(name: string, fallback?: unknown): unknown {
    const values = this.#contents.use()
    return Object.hasOwn(values, name) ? values[name] : fallback
  }

  /** Sets a value. */
  set<Name extends NameOf<Data>>(name: Name, value: Data[Name]): this {
    checkName(name)
    this.#contents.set(name, value)
    return this
  }

  /** Whether there is a value of this name. */
  has(name: string): boolean {
    return Object.hasOwn(this.#contents.use(), name)
  }

  /** Removes a value; false when there is none of this name. The stored session is another matter: `destroy()`. */
  delete(name: NameOf<Data>): boolean {
    return this.#contents.delete(name)
  }

  /**
   * Removes a value and returns it, or `fallback` where there is none.
   * @throws {MissingNameError} where there is none, and no fallback was given
   */
  pop<Name extends NameOf<Data>>(name: Name): Data[Name]
  pop<Name extends NameOf<Data>, Fallback>(name: Name, fallback: Fallback): Data[Name] | Fallback
  pop(name: string, ...fallback: unknown[]): unknown {
    const value = ownValue(this.#contents.use(), name)
    if (this.#contents.delete(name)) return value
    if (fallback.length === 0) throw new MissingNameError()
    return fallback[0]
  }

  /** The value of this name; where there is none, it is set to this one first. */
  setDefault<Name extends NameOf<Data>>(name: Name, value: Data[Name]): Data[Name] {
    if (!this.has(name)) this.set(name, value)
    return this.get(name) as Data[Name]
  }

  /** Sets several values. */
  update(values: Partial<Data>): void {
    if (typeof values !== 'object' || values === null)
      refuse('values', values, 'an object of names and values')
    const mine = this.#contents.use()
    for (const [name, value] of Object.entries(values)) putValue(mine, name, value)
    this.#contents.modified = true
  }

  /** The names there are now. */
  keys(): IterableIterator<NameOf<Data>> {
    return (Object.keys(this.#contents.use()) as NameOf<Data>[]).values()
  }

  /** The values there are now. */
  values(): IterableIterator<Data[NameOf<Data>]> {
    return (Object.values(this.#contents.use()) as Data[NameOf<Data>][]).values()
  }

  /** Names and values as pairs. */
  entries(): IterableIterator<[NameOf<Data>, Data[NameOf<Data>]]> {
    return (Object.entries(this.#contents.use()) as [NameOf<Data>, Data[NameOf<Data>]][]).values()
  }

  /** The same as {@link SessionMap.entries}. */
  [Symbol.iterator](): IterableIterator<[NameOf<Data>, Data[NameOf<Data>]]> {
    return this.entries()
  }

  /** How many values there are. */
  get size(): number {
    return Object.keys(this.#contents.use()).length
  }

  /** Removes all values, loaded or not; the key stays, and so does what is stored until the next save. */
  clear(): void {
    this.#contents.clear()
  }

  /**
   * Sets when this session expires, and that is kept in it: after so many seconds without a save or touch (0: with the
   * browser, and in the storage after `maxAge`), at a moment, after a duration from now, or, with null, by default.
   * @throws {TypeError} for anything else
   */
  setExpiry(expiry: SessionExpiry): void {
    if (expiry === null) this.#contents.delete(EXPIRY_NAME)
    else this.#contents.set(EXPIRY_NAME, storedExpiry(expiry, Date.now()))
  }

  /** Seconds until the session expires. With an `expiry` of your own, the session need not be loaded. */
  getExpiryAge(options: ExpiryOptions = {}): number {
    return expiryAge(this.#expiry(options), this.#defaults.maxAge, modificationOf(options))
  }

  /** When the session expires. With an `expiry` of your own, the session need not be loaded. */
  getExpiryDate(options: ExpiryOptions = {}): Date {
    return expiryDate(this.#expiry(options), this.#defaults.maxAge, modificationOf(options))
  }

  /** Whether the cookie is to have no expiry, so that the session ends with the browser. */
  get expiresAtBrowserClose(): boolean {
    const stored = this.#read(EXPIRY_NAME)
    return stored === undefined || stored === null ? this.#defaults.expireAtBrowserClose : stored === 0
  }

  /** Leaves a mark, to find out in the next request whether the client accepts cookies. */
  setTestCookie(): void {
    this.#contents.set(TEST_COOKIE_NAME, TEST_COOKIE_VALUE)
  }

  /** Whether the mark is there. */
  testCookieWorked(): boolean {
    return this.#read(TEST_COOKIE_NAME) === TEST_COOKIE_VALUE
  }

  /** Removes the mark; false when there is none. */
  deleteTestCookie(): boolean {
    return this.#contents.delete(TEST_COOKIE_NAME)
  }

  #read(name: string): unknown {
    return ownValue(this.#contents.use(), name)
  }

  #expiry(options: ExpiryOptions): number | Date | undefined {
    return readExpiry('expiry' in options ? options.expiry : this.#read(EXPIRY_NAME))
  }
}

function modificationOf({ modification }: ExpiryOptions): Date {
  if (modification === undefined) return new Date()
  if (!(modification instanceof Date) || Number.isNaN(modification.getTime())) {
    refuse('modification', modification, 'a valid Date')
  }
  return modification
}

/** A symbol would be set and never stored. */
function checkName(name: unknown): void {
  if (typeof name !== 'string') throw new TypeError(`a name in a session is a string, not a ${typeof name}`)
}
