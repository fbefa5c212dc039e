import type { SessionVersion } from '../../engine/session-versions.js'
import { UpdateError } from '../../errors.js'
import { fromStored, toStored } from '../awkward-names.js'
import { putValue, type Values } from '../contents.js'
import { hasCode } from '../errors.js'
import { Snapshot } from '../snapshot.js'
import type { CarriedOver, Policy, PolicyContext } from './policy.js'

/**
 * Of two requests that overlap, both stand, name by name: what this one has changed since it loaded, inside a value too,
 * and of everything else, what is stored by now. A name that both have changed is this one's.
 */
export class Merge implements Policy {
  readonly overlaps = false
  readonly #context: PolicyContext
  /** What was stored when we last knew: what has changed since, in hand, is our change. */
  #base = new Snapshot({})
  /** The version of that; `undefined` after a create, which does not tell it. */
  #version: SessionVersion | undefined

  constructor(context: PolicyContext) {
    this.#context = context
  }

  async load(key: string): Promise<Values | undefined> {
    const found = await this.#context.engine.loadVersion(key)
    const values = fromStored(found?.session)
    if (values !== undefined) this.#base = new Snapshot(values)
    this.#version = found?.version
    return values
  }

  async create(key: string, values: Values): Promise<void> {
    const { engine, expiryOf } = this.#context
    const base = new Snapshot(values)
    await engine.create(key, toStored(values), expiryOf(values))
    this.#base = base
    this.#version = undefined
  }

  async update(key: string, values: Values): Promise<void> {
    const mine = new Snapshot(values)
    if (await this.#replace(key, values, this.#version)) {
      this.#base = mine
      return
    }
    for (;;) {
      const theirs = await this.#theirs(key)
      if (theirs === undefined) throw new UpdateError()
      const merged = this.#merged(mine, theirs.values)
      const stored = new Snapshot(merged)
      if (await this.#replace(key, merged, theirs.version)) {
        this.#takeIn(mine, theirs.values)
        this.#base = stored
        return
      }
    }
  }

  async carryOver(key: string, values: Values): Promise<CarriedOver> {
    const mine = new Snapshot(values)
    const theirs = await this.#theirs(key)
    if (theirs === undefined) throw new UpdateError()
    const merged = this.#merged(mine, theirs.values)
    this.#takeIn(mine, theirs.values)
    this.#base = new Snapshot(theirs.values)
    this.#version = theirs.version
    return { values: merged, version: theirs.version }
  }

  async #theirs(key: string): Promise<{ values: Values; version: SessionVersion } | undefined> {
    const found = await this.#context.engine.loadVersion(key)
    const values = fromStored(found?.session)
    return found === undefined || values === undefined ? undefined : { values, version: found.version }
  }

  /** False when something else is stored by now. */
  async #replace(key: string, values: Values, version: SessionVersion | undefined): Promise<boolean> {
    if (version === undefined) return false
    const { engine, expiryOf } = this.#context
    try {
      this.#version = await engine.replace(key, toStored(values), version, expiryOf(values))
      return true
    } catch (error) {
      if (hasCode(error, 'COATCHECK_CONFLICT')) return false
      throw error
    }
  }

  #merged(mine: Snapshot, theirs: Values): Values {
    const merged: Values = {}
    for (const name of Object.keys(theirs)) {
      if (!mine.differs(this.#base, name)) putValue(merged, name, theirs[name])
    }
    for (const name of mine.names) {
      if (mine.differs(this.#base, name)) putValue(merged, name, mine.value(name))
    }
    return merged
  }

  /** Brings what others have stored into what is in hand, unless it was changed there, also while we waited. */
  #takeIn(mine: Snapshot, theirs: Values): void {
    const inHand = this.#context.contents.values ?? {}
    const now = new Snapshot(inHand)
    const stored = new Snapshot(theirs)
    for (const name of new Set([...stored.names, ...this.#base.names])) {
      if (mine.differs(this.#base, name) || now.differs(this.#base, name)) continue
      if (!Object.hasOwn(theirs, name)) delete inHand[name]
      else if (stored.differs(now, name)) putValue(inHand, name, theirs[name])
    }
  }
}
