import type { ConnectionTally } from '../protocol/index.js'
import type { RedisWorkerOptions, ServerAddress } from './options.js'
import { ServerLinks } from './server-links.js'
import type { Servers } from './servers.js'

/** Milliseconds that a connection may take. */
const CONNECT_TIMEOUT = 5000

/** One server that has everything. */
export class SingleServer implements Servers {
  readonly patience = undefined
  readonly changes = 0
  readonly #links: ServerLinks

  constructor(address: ServerAddress, options: RedisWorkerOptions, tally: ConnectionTally) {
    this.#links = new ServerLinks({
      address,
      access: options,
      tally,
      connections: options.connectionsPerWorker,
      connectTimeout: CONNECT_TIMEOUT,
      mastersOnly: true,
    })
  }

  async open(deadline: number): Promise<void> {
    const opening = this.#links.links.map((link) => link.open(deadline))
    // All of them: one that is connecting yet would be left behind by one that has failed.
    await Promise.allSettled(opening)
    await Promise.all(opening)
  }

  linksFor(): ServerLinks {
    return this.#links
  }

  linksNamed(): undefined {}

  async refresh(): Promise<void> {}

  masters(): readonly ServerLinks[] {
    return [this.#links]
  }

  close(): void {
    this.#links.close()
  }
}
