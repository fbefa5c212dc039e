import { Link, type LinkOptions } from './link.js'

/** Options of {@link ServerLinks}. */
export interface ServerLinksOptions extends LinkOptions {
  readonly connections: number
}

/** All connections of a worker to one server. Which one carries a batch does not matter: batches have no key in common. */
export class ServerLinks {
  readonly links: readonly Link[]
  #next = 0

  constructor({ connections, ...options }: ServerLinksOptions) {
    this.links = Array.from({ length: connections }, () => new Link(options))
  }

  /** The one whose turn it is. */
  get next(): Link {
    this.#next = (this.#next + 1) % this.links.length
    return this.links[this.#next] as Link
  }

  /** Ends all of them, so that nobody waits any longer for an answer; there may be others. */
  reset(): void {
    for (const link of this.links) link.reset()
  }

  /** Ends all of them. */
  close(): void {
    for (const link of this.links) link.close()
  }
}
