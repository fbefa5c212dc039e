import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { putValue, type Values } from './contents.js'

/** The bytes of a value, to tell later whether it has changed, inside too; `undefined` for what has none, as functions. */
export type Fingerprint = Uint8Array | undefined

/** What a value was at this moment. */
export function fingerprintOf(value: unknown): Fingerprint {
  try {
    return serialize(value)
  } catch {
    // Whether such a value can be stored is for the codec to say.
    return undefined
  }
}

/** Whether two fingerprints are of equal values. Of a value without one nobody can say so. */
export function isSame(one: Fingerprint, other: Fingerprint): boolean {
  if (one === undefined || other === undefined) return false
  if (Buffer.compare(one, other) === 0) return true
  // V8 writes an equal value in several ways: a 1 that was once beside a 1.5, for one, takes nine bytes instead of two.
  return isDeepStrictEqual(deserialize(one), deserialize(other))
}

/** Fingerprints of all values, by name. */
export function fingerprintsOf(values: Values): Map<string, Fingerprint> {
  const fingerprints = new Map<string, Fingerprint>()
  for (const name of Object.keys(values)) fingerprints.set(name, fingerprintOf(values[name]))
  return fingerprints
}

/** Values as they are at one moment, whatever becomes of them afterwards. */
export class Snapshot {
  readonly fingerprints: ReadonlyMap<string, Fingerprint>
  readonly #values: Values = {}

  constructor(values: Values) {
    for (const name of Object.keys(values)) putValue(this.#values, name, values[name])
    this.fingerprints = fingerprintsOf(values)
  }

  /** The values, as they were then. */
  values(): Values {
    const values: Values = {}
    for (const name of this.fingerprints.keys()) putValue(values, name, this.value(name))
    return values
  }

  /**
   * The value of this name, as it was then: the very same object where it has not changed, since a copy does not know
   * its class and may be encoded otherwise.
   */
  value(name: string): unknown {
    const value = this.#values[name]
    const then = this.fingerprints.get(name)
    return then === undefined || isSame(then, fingerprintOf(value)) ? value : deserialize(then)
  }
}
