import { type SessionEngine, UpdateError } from 'coatcheck'
import type { Ledger } from './messages.js'

/** What a visitor keeps in a session. */
export interface Visit {
  readonly key: string
  /** Counts the saves of this session, and of those whose place it has taken. */
  readonly saves: number
  readonly filling: string
}

/** Engine of a soak. */
export type SoakEngine = SessionEngine<Visit>

interface Held {
  generation: number
  saves: number
}

/** Up to 600 characters that only this version of this session has. */
export function fillingOf(key: string, saves: number): string {
  return `${key}/${saves};`.repeat(1 + (saves % 30))
}

/** Whoever has sessions that nobody else changes, so that what has to be in them is known. */
export class Visitor {
  readonly #engine: SoakEngine
  readonly #name: string
  readonly #held: Held[]
  readonly #strangers: number
  #requests = 0
  #operations = 0

  /** @param strangers Sessions of each request that there are not. */
  constructor(engine: SoakEngine, name: string, sessions: number, strangers: number) {
    this.#engine = engine
    this.#name = name
    this.#strangers = strangers
    this.#held = Array.from({ length: sessions }, () => ({ generation: 0, saves: 0 }))
  }

  /** Operations that were acknowledged. */
  get operations(): number {
    return this.#operations
  }

  /** What has to be there. */
  get ledger(): Ledger {
    return this.#held.flatMap(({ generation, saves }, index) =>
      saves === 0 ? [] : [{ key: this.#key(index, generation), saves }],
    )
  }

  /** So many requests, one after the other, each to the next session; throws when one finds what should not be. */
  async request(count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.#next()
  }

  async #next(): Promise<void> {
    const turn = this.#requests++
    const index = turn % this.#held.length
    // The index is smaller than the length.
    const held = this.#held[index] as Held
    const key = this.#key(index, held.generation)
    if (held.saves === 0) return this.#create(key, held)
    await this.#check(key, held)
    await this.#comeAsStranger(key, turn)
    // Numbers without a common factor, so that all of it happens to every session.
    if (turn % 29 === 0) return this.#logOut(key, held, index)
    if (turn % 23 === 0) return this.#rotate(key, held, index)
    if (turn % 19 === 0) await this.#count(this.#engine.touch(key, { maxAge: 86_400 + turn }))
    if (turn % 17 === 0) await this.#saveShortLived(`short-${key}-${turn}`)
    if (turn % 13 === 0) return this.#update(key, held)
    return this.#save(key, held, 1 + (turn % 3))
  }

  async #create(key: string, held: Held): Promise<void> {
    await this.#count(this.#engine.create(key, versionOf(key, 1)))
    held.saves = 1
  }

  async #check(key: string, held: Held): Promise<void> {
    const found = await this.#count(this.#engine.load(key))
    if (isVersion(found, key, held.saves)) return
    throw new Error(`lost: save ${held.saves}; found ${found?.saves}`)
  }

  /** Several at once: the last of them counts. */
  async #save(key: string, held: Held, times: number): Promise<void> {
    const before = held.saves
    const saves = Array.from({ length: times }, (_, index) =>
      this.#count(this.#engine.save(key, versionOf(key, before + 1 + index))),
    )
    await Promise.all(saves)
    held.saves = before + times
  }

  async #update(key: string, held: Held): Promise<void> {
    await this.#count(this.#engine.update(key, versionOf(key, held.saves + 1)))
    held.saves++
  }

  async #logOut(key: string, held: Held, index: number): Promise<void> {
    await this.#count(this.#engine.delete(key))
    if ((await this.#count(this.#engine.load(key))) !== undefined)
      throw new Error('a deleted session is there')
    held.generation++
    held.saves = 0
    await this.#create(this.#key(index, held.generation), held)
  }

  async #rotate(key: string, held: Held, index: number): Promise<void> {
    const next = this.#key(index, held.generation + 1)
    await this.#count(this.#engine.create(next, versionOf(next, held.saves + 1)))
    held.generation++
    held.saves++
    await this.#count(this.#engine.delete(key))
  }

  /** With keys of sessions that nobody has begun: they are neither found nor updated. */
  async #comeAsStranger(key: string, turn: number): Promise<void> {
    const keys = Array.from({ length: this.#strangers }, (_, index) => `strange-${key}-${turn}-${index}`)
    const [first = ''] = keys
    const update = this.#engine.update(first, versionOf(first, 1)).then(
      () => 'stored',
      (error: unknown) => (error instanceof UpdateError ? undefined : String(error)),
    )
    const found = await Promise.all([update, ...keys.map((name) => this.#engine.load(name))])
    this.#operations += found.length
    if (found.some((one) => one !== undefined)) throw new Error(`a stranger's session: ${found.join()}`)
  }

  /** Something for sweeps. */
  async #saveShortLived(key: string): Promise<void> {
    await this.#count(this.#engine.save(key, versionOf(key, 1), { expires: new Date(Date.now() + 5) }))
  }

  async #count<Result>(operation: Promise<Result>): Promise<Result> {
    const result = await operation
    this.#operations++
    return result
  }

  #key(index: number, generation: number): string {
    return `${this.#name}-${index}-${generation}`
  }
}

/** A version of a session. */
export function versionOf(key: string, saves: number): Visit {
  return { key, saves, filling: fillingOf(key, saves) }
}

/** Whether what was read is this version, whole. */
export function isVersion(found: Visit | undefined, key: string, saves: number): boolean {
  return found?.key === key && found.saves === saves && found.filling === fillingOf(key, saves)
}
