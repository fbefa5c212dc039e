import { UpdateError } from '../../errors.js'
import { fromStored, toStored } from '../awkward-names.js'
import type { Values } from '../contents.js'
import type { CarriedOver, Policy, PolicyContext } from './policy.js'

/** Django's policy: of two requests that overlap, the later save stands, whole. */
export class LastWins implements Policy {
  readonly overlaps = true
  readonly #context: PolicyContext

  constructor(context: PolicyContext) {
    this.#context = context
  }

  async load(key: string): Promise<Values | undefined> {
    return fromStored(await this.#context.engine.load(key))
  }

  create(key: string, values: Values): Promise<void> {
    const { engine, expiryOf } = this.#context
    return engine.create(key, toStored(values), expiryOf(values))
  }

  update(key: string, values: Values): Promise<void> {
    const { engine, expiryOf } = this.#context
    return engine.update(key, toStored(values), expiryOf(values))
  }

  async carryOver(key: string, values: Values): Promise<CarriedOver> {
    const found = await this.#context.engine.loadVersion(key)
    if (found === undefined) throw new UpdateError()
    return { values, version: found.version }
  }
}
