import { Link, type LinkOptions } from './link.js'
import type { ServerAddress } from './options.js'

/** Options of {@link ServerLinks}. */
export interface ServerLinksOptions extends LinkOptions {
  readonly connections: number
}

/** All connections of a worker to one server. Which one carries a batch does not matter: batches have no key in common. */
export class ServerLinks {
  readonly address: ServerAddress
  readonly links: readonly Link[]
  #next = 0

  constructor({ connections, ...options }: ServerLinksOptions) {
    this.address = options.address
    this.links = Array.from({ length: connections }, () => new Link(options))
  }

  /** The one whose turn it is. */
  get next(): Link {
    this.#next = (this.#next + 1) % this.links.length
    return this.links[this.#next] as Link
  }

  /** Whether something is unanswered. */
  get isBusy(): boolean {
    return this.links.some((link) => link.isBusy)
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
