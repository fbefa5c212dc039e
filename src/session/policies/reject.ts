import type { SessionVersion } from '../../engine/session-versions.js'
import { ConflictError, UpdateError } from '../../errors.js'
import { fromStored, toStored } from '../awkward-names.js'
import type { Values } from '../contents.js'
import type { CarriedOver, Policy, PolicyContext } from './policy.js'

/** Of two requests that overlap, the earlier save stands, and the other one is told. */
export class Reject implements Policy {
  readonly overlaps = false
  readonly #context: PolicyContext
  #version: SessionVersion | undefined

  constructor(context: PolicyContext) {
    this.#context = context
  }

  async load(key: string): Promise<Values | undefined> {
    const found = await this.#context.engine.loadVersion(key)
    this.#version = found?.version
    return fromStored(found?.session)
  }

  async create(key: string, values: Values): Promise<void> {
    const { engine, expiryOf } = this.#context
    await engine.create(key, toStored(values), expiryOf(values))
    // Nobody else has had the key yet, so this is the version that was created.
    this.#version = (await engine.loadVersion(key))?.version
  }

  async update(key: string, values: Values): Promise<void> {
    const { engine, expiryOf } = this.#context
    // Gone right after it was created, or expired at once.
    if (this.#version === undefined) return engine.update(key, toStored(values), expiryOf(values))
    this.#version = await engine.replace(key, toStored(values), this.#version, expiryOf(values))
  }

  async carryOver(key: string, values: Values): Promise<CarriedOver> {
    const found = await this.#context.engine.loadVersion(key)
    if (found === undefined) throw new UpdateError()
    if (found.version !== this.#version) throw new ConflictError()
    return { values, version: found.version }
  }
}
