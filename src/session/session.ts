import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { Contents, ownValue, type Values } from './contents.js'
import { hasCode } from './errors.js'
import { EXPIRY_NAME, engineExpiry, readExpiry } from './expiry.js'
import { isSessionKey, newSessionKey } from './keys.js'
import { fillSessionOptions, type SessionOptions } from './options.js'
import { endStored } from './policies/ending.js'
import { LastWins } from './policies/last-wins.js'
import { Merge } from './policies/merge.js'
import type { ConflictPolicy, Policy, PolicyContext } from './policies/policy.js'
import { Reject } from './policies/reject.js'
import { SessionMap } from './session-map.js'
import { Snapshot } from './snapshot.js'
import { Turns } from './turns.js'

const POLICIES: Readonly<Record<ConflictPolicy, new (context: PolicyContext) => Policy>> = {
  'last-wins': LastWins,
  merge: Merge,
  reject: Reject,
}
/** The first key collides once in 2^165; if this many do, the generator is broken. */
const MOST_ATTEMPTS = 8
/** So often others have to store something in the very moment before a session is to end, until they are not asked. */
const MOST_ENDINGS = 64

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
  readonly #newPolicy: () => Policy
  #policy: Policy
  readonly #turns = new Turns()
  readonly #defaultExpiry: Expiry
  #key: string | undefined
  /** Whether a session was stored under the key when we last looked; until we have, it is a client's word. */
  #isProven = false
  #loading: Promise<this> | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected; never for a key */
  constructor(options: SessionOptions) {
    const filled = fillSessionOptions(options)
    const { engine, key, maxAge } = filled
    const contents = new Contents(key === undefined ? {} : undefined)
    super(contents, filled)
    this.#engine = engine
    this.#contents = contents
    this.#defaultExpiry = { maxAge }
    this.#key = key
    const context: PolicyContext = { engine, contents, expiryOf: (values) => this.#expiryOf(values) }
    this.#newPolicy = () => new POLICIES[filled.conflict](context)
    this.#policy = this.#newPolicy()
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
    if (this.isLoaded && this.#isKeySettled) return Promise.resolve(this)
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
    this.#contents.accessed = true
    // At once, for whoever decides before it is done whether there is something to wait for.
    this.#contents.modified = true
    const { values } = this.#contents
    const snapshot = values !== undefined && this.#turns.isBusy ? new Snapshot(values) : undefined
    return this.#turns.run(() => this.#createAnew(snapshot?.values() ?? this.#contents.values ?? {}))
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
    if (values !== undefined && !mustCreate && this.#policy.overlaps && this.#canGoAtOnce) {
      if (this.#key !== undefined) return this.#policy.update(this.#key, values)
    }
    return this.#withValues(async (mine) => {
      if (this.#key === undefined) await this.#createAnew(mine)
      else if (mustCreate) await this.#policy.create(this.#key, mine)
      else await this.#policy.update(this.#key, mine)
    })
  }

  /** Whether a session is stored under this key; by default, under this session's. */
  exists(key?: string): Promise<boolean> {
    return this.#turns.run(async () => {
      const asked = key ?? this.#key
      return isSessionKey(asked) && (await this.#engine.exists(asked))
    })
  }

  /**
   * Deletes the stored session; what is in hand stays, and saving it is an `UpdateError`.
   * @param key By default, this session's.
   */
  destroy(key?: string): Promise<void> {
    return this.#turns.run(async () => {
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
   * Saves of the old key that come later, from other requests, are an `UpdateError`; of several requests that cycle one
   * key at once, one gets a new one, and so is it with the others.
   * @throws {UpdateError} when the session has been deleted or has expired meanwhile: it stays so
   * @throws {ConflictError} with `conflict: 'reject'`, when another request has stored something since
   * @throws {EncodeError} and whatever the engine throws
   */
  cycleKey(): Promise<void> {
    this.#contents.accessed = true
    this.#contents.modified = true
    return this.#withValues(async (mine) => {
      const former = this.#key
      if (former === undefined) await this.#createAnew(mine)
      else await this.#move(former, new Snapshot(mine).values())
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

  /** Whether there is no key, or one under which we have seen a session. */
  get #isKeySettled(): boolean {
    return this.#isProven || this.#key === undefined
  }

  /** Whether nothing has to be waited for, or looked up, before the values can be stored. */
  get #canGoAtOnce(): boolean {
    return this.#isKeySettled && !this.#turns.isBusy
  }

  async #read(): Promise<void> {
    if (this.#key === undefined || this.#isProven) return
    const values = await this.#policy.load(this.#key)
    if (values === undefined) this.#key = undefined
    else this.#isProven = true
    // Cleared before or meanwhile: what was read is not wanted any more.
    this.#contents.values ??= values ?? {}
  }

  /** Runs a task on the values as they are now, in its turn. */
  #withValues(task: (values: Values) => Promise<void>): Promise<void> {
    const { values } = this.#contents
    if (values !== undefined && this.#canGoAtOnce) return this.#turns.run(() => task(values))
    const snapshot = values === undefined ? undefined : new Snapshot(values)
    return this.#turns.run(async () => {
      await this.#read()
      await task(snapshot?.values() ?? this.#contents.values ?? {})
    })
  }

  async #createAnew(values: Values): Promise<void> {
    this.#adopt(await this.#createFree(values), values)
  }

  /**
   * The new session is there before the old one ends, so that a crash loses neither, and nobody has heard of its key if
   * the old one turns out to be gone. The end is atomic, so only one request can bring it about.
   */
  async #move(former: string, mine: Values): Promise<void> {
    let carried = await this.#policy.carryOver(former, mine)
    const created = carried.values
    const next = await this.#createFree(created)
    try {
      for (let attempt = 1; !(await endStored(this.#engine, former, carried.version)); attempt++) {
        carried = await this.#policy.carryOver(former, carried.values)
        // Nobody's saves can keep a login waiting for ever; what comes in just now is lost with the old key.
        if (attempt === MOST_ENDINGS) break
      }
    } catch (error) {
      // What stopped us is to be told, and not that this failed too: it is a session that nobody can come to.
      await this.#engine.delete(next.key).catch(() => undefined)
      throw error
    }
    this.#adopt(next, created)
    if (carried.values !== created) await this.#policy.update(next.key, carried.values)
    await this.#engine.delete(former)
  }

  #adopt({ key, policy }: { readonly key: string; readonly policy: Policy }, values: Values): void {
    this.#key = key
    this.#policy = policy
    this.#isProven = true
    this.#contents.values ??= values
    this.#contents.modified = true
  }

  async #createFree(values: Values): Promise<{ readonly key: string; readonly policy: Policy }> {
    for (let attempt = 1; ; attempt++) {
      const key = newSessionKey()
      const policy = this.#newPolicy()
      try {
        await policy.create(key, values)
        return { key, policy }
      } catch (error) {
        if (!hasCode(error, 'COATCHECK_EXISTS') || attempt === MOST_ATTEMPTS) throw error
      }
    }
  }

  #expiryOf(values: Values): Expiry {
    const own = ownValue(values, EXPIRY_NAME)
    return own === undefined ? this.#defaultExpiry : engineExpiry(readExpiry(own), this.#defaultExpiry)
  }
}
