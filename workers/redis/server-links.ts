import type { ConnectionTally } from '../protocol/index.js'
import { Link } from './link.js'
import type { RedisWorkerOptions, ServerAddress } from './options.js'

/** All connections of a worker to one server. Which one carries a batch does not matter: batches have no key in common. */
export class ServerLinks {
  readonly links: readonly Link[]
  #next = 0

  constructor(address: ServerAddress, options: RedisWorkerOptions, tally: ConnectionTally) {
    this.links = Array.from(
      { length: options.connectionsPerWorker },
      () => new Link({ address, access: options, tally }),
    )
  }

  /** The one whose turn it is. */
  get next(): Link {
    this.#next = (this.#next + 1) % this.links.length
    return this.links[this.#next] as Link
  }

  /** Ends all of them. */
  close(): void {
    for (const link of this.links) link.close()
  }
}
