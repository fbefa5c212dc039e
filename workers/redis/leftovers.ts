import { hash } from 'node:crypto'
import type { ConnectionTally, ListedConnection } from '../protocol/index.js'
import type { Client } from './client.js'
import type { ServerAddress } from './options.js'
import { isPassing, isTrouble } from './replies.js'

/**
 * What lost connections have left behind in a server, of all threads of the engine. It may do that whenever it likes, until it has
 * ended those connections.
 */
export class Leftovers {
  readonly #tally: ConnectionTally
  /** What the server is called in the list of all connections. */
  readonly #name: string
  readonly #listed = new WeakMap<Client, ListedConnection>()
  /** What the list had told of losses when this server had last ended its own. */
  #ended = 0

  constructor({ host, port }: ServerAddress, tally: ConnectionTally) {
    this.#tally = tally
    this.#name = `${hash('sha1', `${host}:${port}`).slice(0, 16)} `
  }

  /** Whether some may have come since the last time. */
  get mayHaveGrown(): boolean {
    return this.#tally.list.losses !== this.#ended
  }

  /** There is a connection more; `again`: in the place of one that was lost. */
  opened(client: Client, again: boolean): void {
    const { id, address } = client.identity
    this.#listed.set(client, this.#tally.opened(`${this.#name}${id} ${address}`, again))
  }

  /** There is one less; `isOwed`: something on it was unanswered, and may be left behind. */
  closed(client: Client, isOwed: boolean): void {
    const listed = this.#listed.get(client)
    if (listed !== undefined) this.#tally.closed(listed, isOwed)
  }

  /** One that was closed before has left something behind, as it turns out. */
  leftBehind(client: Client): void {
    const listed = this.#listed.get(client)
    if (listed !== undefined) this.#tally.lost(listed)
  }

  /** Has the server throw them away, with the connections that they came by; whether all of it is gone. */
  async end(client: Client): Promise<boolean> {
    const { list } = this.#tally
    const known = list.losses
    const ended = list.lostBeginningWith(this.#name).map(async (connection) => {
      const [, id = '', address = ''] = connection.text.split(' ')
      const reply = await client.send(['CLIENT', 'KILL', 'ID', id, 'ADDR', address])
      // Whoever may not, or does not know how, never will: the manual tells.
      if (isTrouble(reply) && isPassing(reply)) return false
      list.remove(connection)
      return true
    })
    if ((await Promise.all(ended)).includes(false)) return false
    this.#ended = known
    return true
  }
}
