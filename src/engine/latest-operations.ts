import type { Operation } from './batch.js'

/** Buckets of an idle table; a power of two. */
const LEAST_BUCKETS = 256

/**
 * The latest operation of each key that is pending: a hash table, chained through the operations themselves.
 *
 * Not a `Map`: one that keys come into and go out of all the time is laid out anew every few hundred of them, and V8
 * ties each old layout to the next one. Once the garbage collector holds one of them for old, it takes everything that was
 * ever in the following ones for alive, finished batches included, and copies it until the next full collection.
 */
export class LatestOperations {
  #buckets: (Operation | undefined)[] = emptyBuckets(LEAST_BUCKETS)
  #count = 0

  /** The latest operation of a key. */
  get(key: string, hash: number): Operation | undefined {
    let operation = this.#buckets[this.#bucketOf(hash)]
    while (operation !== undefined && (operation.hash !== hash || operation.key !== key)) {
      operation = operation.nextInBucket
    }
    return operation
  }

  /** Makes an operation the latest of its key, in the place of `former`, which was it until now. */
  set(operation: Operation, former: Operation | undefined): void {
    if (former !== undefined) this.delete(former)
    if (this.#count >= this.#buckets.length) this.#grow()
    this.#put(operation)
    this.#count++
  }

  /** Forgets an operation; nothing happens when it is not, or not any more, the latest of its key. */
  delete(operation: Operation): void {
    const bucket = this.#bucketOf(operation.hash)
    let previous: Operation | undefined
    for (let at = this.#buckets[bucket]; at !== undefined; previous = at, at = at.nextInBucket) {
      if (at !== operation) continue
      if (previous === undefined) this.#buckets[bucket] = operation.nextInBucket
      else previous.nextInBucket = operation.nextInBucket
      operation.nextInBucket = undefined
      this.#count--
      // What a burst has needed is not kept.
      if (this.#count === 0 && this.#buckets.length > LEAST_BUCKETS)
        this.#buckets = emptyBuckets(LEAST_BUCKETS)
      return
    }
  }

  #bucketOf(hash: number): number {
    // The low byte has chosen the lane: within one it tells little.
    return (hash >>> 8) & (this.#buckets.length - 1)
  }

  #put(operation: Operation): void {
    const bucket = this.#bucketOf(operation.hash)
    operation.nextInBucket = this.#buckets[bucket]
    this.#buckets[bucket] = operation
  }

  #grow(): void {
    const former = this.#buckets
    this.#buckets = emptyBuckets(former.length * 2)
    for (const first of former) {
      for (let at = first; at !== undefined; ) {
        const next = at.nextInBucket
        this.#put(at)
        at = next
      }
    }
  }
}

function emptyBuckets(count: number): (Operation | undefined)[] {
  return new Array<Operation | undefined>(count).fill(undefined)
}
