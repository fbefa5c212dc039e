import { CreateError } from '../engine/errors.js'
import { booleanOption, checkNames, choiceOption, numberOption, refuse } from '../engine/option-checks.js'
import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { fromStored, toStored } from './awkward-names.js'
import { Contents, ownValue, type Values } from './contents.js'
import { EXPIRY_NAME, engineExpiry, readExpiry } from './expiry.js'
import { isSessionKey, newSessionKey } from './keys.js'
import { SessionMap } from './session-map.js'
import { Turns } from './turns.js'

/** What happens when two requests save one session; see docs/session.md. */
export type ConflictPolicy = 'last-wins' | 'merge' | 'reject'

/** Options of {@link Session}. */
export interface SessionOptions {
  /** The engine that stores it. */
  engine: SessionEngine<object>
  /** From a client, untrusted: what can be no session key counts as none. */
  key?: string | undefined
  /** Default `'last-wins'`. */
  conflict?: ConflictPolicy
  /** Seconds that a session lives by default. Default two weeks, as in Django. */
  maxAge?: number
  /** Whether sessions end with the browser by default. Default false. */
  expireAtBrowserClose?: boolean
}

const OPTIONS = ['engine', 'key', 'conflict', 'maxAge', 'expireAtBrowserClose']
const ENGINE_METHODS = ['create', 'update', 'touch', 'load', 'exists', 'delete'] as const
const TWO_WEEKS = 1_209_600
const LONGEST_AGE = 3_153_600_000
/** The first key collides once in 2^165; if this many do, the generator is broken. */
const MOST_ATTEMPTS = 8

/**
 * A visitor's session, as Django has it: Map-like, stored by an engine, under a key that only this object chooses.
 *
 * The constructor reads nothing; await {@link Session.load} before reading or changing values. What touches storage
 * takes effect in the order in which it was called.
 *
 * @example
 * const session = await new Session<{ cart: string[] }>({ engine, key: cookies.sessionid }).load()
 * session.set('cart', [...session.get('cart', []), 'umbrella'])
 * await session.save()
 */
export class Session<Data extends object = Record<string, unknown>> extends SessionMap<Data> {
  readonly #engine: SessionEngine<object>
  readonly #contents: Contents
  readonly #defaultExpiry: Expiry
  readonly #turns = new Turns()
  #key: string | undefined
  #loading: Promise<this> | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected; never for a key */
  constructor(options: SessionOptions) {
    checkNames('options', options, OPTIONS)
    const key = isSessionKey(options.key) ? options.key : undefined
    const contents = new Contents(key === undefined ? {} : undefined)
    const maxAge = numberOption('maxAge', options.maxAge, TWO_WEEKS, {
      least: 1,
      most: LONGEST_AGE,
      unit: 'seconds',
    })
    super(contents, {
      maxAge,
      expireAtBrowserClose: booleanOption('expireAtBrowserClose', options.expireAtBrowserClose, false),
    })
    choiceOption('conflict', options.conflict, 'last-wins', ['last-wins', 'merge', 'reject'])
    this.#engine = checkedEngine(options.engine)
    this.#contents = contents
    this.#defaultExpiry = { maxAge }
    this.#key = key
  }

  /** The session key; `undefined` until there is one. Who knows it has the session: never log it. */
  get key(): string | undefined {
    return this.#key
  }

  get isEmpty(): boolean {
    const { values } = this.#contents
    return this.#key === undefined && (values === undefined || Object.keys(values).length === 0)
  }

  /**
   * Reads the session, once, however often and from wherever it is called. Where nothing is stored under the key, or
   * what is has expired or is damaged, the session is empty and has no key any more: the next save chooses a new one.
   * @throws {StorageError} when it could not be read; the next call tries again
   */
  load(): Promise<this> {
    if (this.isLoaded) return Promise.resolve(this)
    this.#loading ??= this.#turns
      .run(async () => {
        await this.#read()
        return this
      })
      .finally(() => {
        this.#loading = undefined
      })
    return this.#loading
  }

  /**
   * Stores what is in hand under a new key, and goes on with that; nothing happens to the session of the old key.
   * @throws {EncodeError} and whatever the engine's `create` throws, and nothing has changed then
   */
  create(): Promise<void> {
    return this.#turns.run(() => this.#createAnew(this.#contents.values ?? {}))
  }

  /**
   * Stores what is in hand: under a new key where there is none, else in place of what is stored.
   * @param options With `mustCreate`, there must be nothing stored under the key yet.
   * @throws {UpdateError} when the session has been deleted or has expired meanwhile: it stays so
   * @throws {CreateError} with `mustCreate`
   * @throws {EncodeError} and whatever the engine throws; what is stored, and this object, are as before then
   */
  save(options: { mustCreate?: boolean } = {}): Promise<void> {
    const mustCreate = options.mustCreate === true
    this.#contents.accessed = true
    const { values } = this.#contents
    if (values !== undefined && this.#key !== undefined && !mustCreate && !this.#turns.isBusy) {
      return this.#engine.update(this.#key, toStored(values), this.#expiryOf(values))
    }
    return this.#withValues((mine) => this.#store(mine, mustCreate))
  }

  /** Whether a session is stored under this key; by default, under this session's. */
  async exists(key: string | undefined = this.#key): Promise<boolean> {
    return isSessionKey(key) ? this.#engine.exists(key) : false
  }

  /**
   * Deletes the stored session; what is in hand stays, and saving it is an `UpdateError`.
   * @param key By default, this session's.
   */
  async destroy(key?: string): Promise<void> {
    await this.#turns.run(async () => {
      const doomed = key ?? this.#key
      if (isSessionKey(doomed)) await this.#engine.delete(doomed)
    })
  }

  /**
   * Ends the session, as a logout does: no values, no key, nothing stored.
   * @throws {StorageError} when it could not be deleted; the key stays then, so that it can be tried again
   */
  flush(): Promise<void> {
    this.clear()
    return this.#turns.run(async () => {
      const key = this.#key
      if (key === undefined) return
      this.#key = undefined
      try {
        await this.#engine.delete(key)
      } catch (error) {
        this.#key = key
        throw error
      }
    })
  }

  /**
   * Goes on under a new key with the same values, as a login does, so that a key that was known before is worth nothing.
   * Saves of the old key that come later, from other requests, are an `UpdateError`.
   */
  cycleKey(): Promise<void> {
    return this.#withValues(async (mine) => {
      const former = this.#key
      await this.#createAnew(mine)
      if (former !== undefined) await this.#engine.delete(former)
    })
  }

  /** Moves the expiry to {@link Session.getExpiryAge} from now, and stores nothing else; false when there is no session. */
  touch(): Promise<boolean> {
    return this.#turns.run(async () => {
      await this.#read()
      const { values } = this.#contents
      if (this.#key === undefined || values === undefined) return false
      return this.#engine.touch(this.#key, this.#expiryOf(values))
    })
  }

  async #read(): Promise<void> {
    if (this.#key === undefined || this.isLoaded) return
    const values = fromStored(await this.#engine.load(this.#key))
    // Cleared meanwhile: what was read is not wanted any more.
    if (this.isLoaded) return
    if (values === undefined) this.#key = undefined
    this.#contents.values = values ?? {}
  }

  /** Takes the values now; where others are before it, has them stored later as they are now. */
  #withValues(task: (values: Values) => Promise<void>): Promise<void> {
    const { values } = this.#contents
    return this.#turns.run(async () => {
      if (values === undefined) await this.#read()
      await task(values ?? this.#contents.values ?? {})
    })
  }

  async #store(values: Values, mustCreate: boolean): Promise<void> {
    if (this.#key === undefined) return this.#createAnew(values)
    const stored = toStored(values)
    const expiry = this.#expiryOf(values)
    if (mustCreate) await this.#engine.create(this.#key, stored, expiry)
    else await this.#engine.update(this.#key, stored, expiry)
  }

  async #createAnew(values: Values): Promise<void> {
    const key = await this.#createFree(values)
    this.#key = key
    this.#contents.values ??= values
    this.#contents.modified = true
  }

  async #createFree(values: Values): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const key = newSessionKey()
      try {
        await this.#engine.create(key, toStored(values), this.#expiryOf(values))
        return key
      } catch (error) {
        if (!(error instanceof CreateError) || attempt === MOST_ATTEMPTS) throw error
      }
    }
  }

  #expiryOf(values: Values): Expiry {
    const own = ownValue(values, EXPIRY_NAME)
    return own === undefined ? this.#defaultExpiry : engineExpiry(readExpiry(own), this.#defaultExpiry)
  }
}

function checkedEngine(engine: SessionEngine<object>): SessionEngine<object> {
  // By what it can do, not by its class: the application may have another copy of the package.
  const able =
    typeof engine === 'object' &&
    engine !== null &&
    ENGINE_METHODS.every((method) => typeof engine[method] === 'function')
  return able ? engine : refuse('engine', engine, 'a SessionEngine')
}
