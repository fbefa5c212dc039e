import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { putValue, type Values } from './contents.js'

/**
 * Values as they are at one moment, whatever becomes of them afterwards, inside too. Taking one costs a serialization;
 * it is looked into only when there is a conflict.
 */
export class Snapshot {
  /** The very objects, which may have changed since. */
  readonly #values: Values = {}
  readonly #bytes: Uint8Array
  /** Names of values that V8 cannot serialize, as functions. Whether they can be stored is for the codec to say. */
  readonly #opaque = new Set<string>()
  #thawed: Values | undefined

  constructor(values: Values) {
    for (const name of Object.keys(values)) putValue(this.#values, name, values[name])
    this.#bytes = this.#freeze()
  }

  /** The names there were. */
  get names(): readonly string[] {
    return Object.keys(this.#values)
  }

  /** The values, as they were then. */
  values(): Values {
    const values: Values = {}
    for (const name of this.names) putValue(values, name, this.value(name))
    return values
  }

  /**
   * The value of this name, as it was then: the very same object where it has not changed, since a copy does not know
   * its class and may be encoded otherwise.
   */
  value(name: string): unknown {
    const value = this.#values[name]
    if (this.#opaque.has(name)) return value
    const then = this.#thaw()[name]
    return isDeepStrictEqual(then, copyOf(value)) ? value : then
  }

  /** Whether the value of this name is not the same in another snapshot. Of opaque values nobody can say that it is. */
  differs(other: Snapshot, name: string): boolean {
    const isHere = Object.hasOwn(this.#values, name)
    if (isHere !== Object.hasOwn(other.#values, name)) return true
    if (!isHere) return false
    if (this.#opaque.has(name) || other.#opaque.has(name)) return true
    // Not by bytes: V8 has several for one value. A 1 that was once beside a 1.5 takes nine of them instead of two.
    return !isDeepStrictEqual(this.#thaw()[name], other.#thaw()[name])
  }

  #freeze(): Uint8Array {
    try {
      return serialize(this.#values)
    } catch {
      const clear: Values = {}
      for (const name of this.names) {
        if (canBeCopied(this.#values[name])) putValue(clear, name, this.#values[name])
        else this.#opaque.add(name)
      }
      return serialize(clear)
    }
  }

  #thaw(): Values {
    this.#thawed ??= deserialize(this.#bytes) as Values
    return this.#thawed
  }
}

function canBeCopied(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}

/** A copy as V8 makes it, or the value itself where it can make none. */
function copyOf(value: unknown): unknown {
  try {
    return deserialize(serialize(value))
  } catch {
    return value
  }
}
