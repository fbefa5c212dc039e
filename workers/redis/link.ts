import { type ConnectionTally, errorCode, systemError } from '../protocol/index.js'
import { backoff } from './backoff.js'
import { before } from './before.js'
import { type Client, openClient } from './client.js'
import { Leftovers } from './leftovers.js'
import type { RedisWorkerOptions, ServerAddress } from './options.js'
import { type Reply, Unanswered, type Words } from './replies.js'

/** Milliseconds between two attempts, at the most; and a quarter of what an operation has. */
const LONGEST_PAUSE = 2000

const LOST_AGAIN = systemError('ECONNRESET', 'connect', 'the connection was lost again')

/** Options of {@link Link}. */
export interface LinkOptions {
  readonly address: ServerAddress
  readonly access: Pick<RedisWorkerOptions, 'tls' | 'username' | 'password' | 'database' | 'commandTimeout'>
  readonly tally: ConnectionTally
  /** Milliseconds that a connection may take, unless the operation that needs it has less time. */
  readonly connectTimeout: number
  /** Whether a server that is a replica at present is refused. */
  readonly mastersOnly: boolean
}

/**
 * A connection that comes back.
 *
 * Invariant: when a command has gone unanswered, on whichever connection of the engine's, nothing is sent after it until the server has
 * ended that connection. So what was given up, and whoever asked for it told so, is never done after what was asked for later: a
 * server that stood still would otherwise find both, and the later one first.
 */
export class Link {
  readonly #options: LinkOptions
  #client: Client | undefined
  #connecting: Promise<Client> | undefined
  readonly #leftovers: Leftovers
  #hadOne = false
  #failures = 0
  /** Why the last attempt failed, and when the next may be made. */
  #failure: unknown
  #notBefore = 0
  #closed = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#leftovers = new Leftovers(options.address, options.tally)
  }

  /** Whether there is a connection. */
  get isOpen(): boolean {
    return this.#client !== undefined
  }

  /** Whether somebody waits for it. */
  get isBusy(): boolean {
    return this.#connecting !== undefined || this.#client?.isOwed === true
  }

  /** Which server it leads to at present: another one after that was started anew. */
  get server(): string | undefined {
    return this.#client?.identity.server
  }

  /**
   * Connects, if there is no connection; tries that once.
   * @throws {Error} why it is not possible
   */
  async open(deadline: number): Promise<void> {
    if (this.#client === undefined) await this.#connectOnce(deadline)
  }

  /** Sends commands in one go; resolves with the answers to all of them. Never rejects. */
  async send(commands: readonly Words[], deadline: number): Promise<Reply[]> {
    let client: Client
    try {
      client = await this.#connected(deadline)
    } catch (error) {
      return commands.map(() => new Unanswered(false, errorCode(error) ?? 'ETIMEDOUT'))
    }
    const timer = setTimeout(() => this.#drop(client), Math.max(0, deadline - performance.now()))
    try {
      // Usually there is none, and nothing to wait for.
      if (this.#leftovers.mayHaveGrown && !(await this.#leftovers.end(client)))
        return commands.map(() => new Unanswered(false, 'ECONNRESET'))
      const replies = await Promise.all(commands.map((words) => client.send(words)))
      // Before anybody is told that there is no answer.
      if (replies.some((reply) => reply instanceof Unanswered)) this.#drop(client, true)
      return replies
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks for what changes nothing. Where there is no answer in time, the connection stays: others may wait for theirs. Never rejects. */
  async ask(words: Words, deadline: number): Promise<Reply> {
    try {
      const client = await this.#connected(deadline)
      return await before(deadline, client.send(words))
    } catch (error) {
      return new Unanswered(false, errorCode(error) ?? 'ETIMEDOUT')
    }
  }

  /** Ends the connection, so that nobody waits any longer for its answers; there may be another. */
  reset(): void {
    if (this.#client !== undefined) this.#drop(this.#client)
  }

  /** Ends the connection; there will be no other. */
  close(): void {
    this.#closed = true
    this.reset()
  }

  /** The connection, after one attempt if there is none; it is not tried again before its time: the key may be elsewhere by then. */
  async #connected(deadline: number): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    if (this.#connecting === undefined && performance.now() < this.#notBefore) throw this.#failure
    return before(deadline, this.#connectOnce(deadline))
  }

  /** One attempt, of all who want one at a time. */
  #connectOnce(deadline: number): Promise<Client> {
    this.#connecting ??= this.#connect(deadline - performance.now()).finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(timeLeft: number): Promise<Client> {
    const { address, access, connectTimeout, mastersOnly } = this.#options
    if (this.#closed) throw new Error('the link is closed')
    let client: Client | undefined
    try {
      client = await openClient({
        address,
        access,
        timeout: Math.min(connectTimeout, Math.max(1, timeLeft)),
        mastersOnly,
        onLost: () => {
          if (client !== undefined) this.#forget(client)
        },
      })
      // Lost in the same turn, nobody would be told of it any more.
      if (!client.isOpen) throw LOST_AGAIN
    } catch (error) {
      client?.destroy()
      this.#failures++
      this.#failure = error
      const longest = Math.min(LONGEST_PAUSE, access.commandTimeout / 4)
      this.#notBefore = performance.now() + backoff(this.#failures, longest)
      throw error
    }
    if (this.#closed) {
      client.destroy()
      throw new Error('the link is closed')
    }
    this.#failures = 0
    this.#client = client
    this.#leftovers.opened(client, this.#hadOne)
    this.#hadOne = true
    return client
  }

  #drop(client: Client, isOwed = client.isOwed): void {
    this.#forget(client, isOwed)
    client.destroy()
  }

  #forget(client: Client, isOwed = client.isOwed): void {
    if (this.#client === client) {
      this.#client = undefined
      this.#leftovers.closed(client, isOwed)
      // What was unanswered may be known only later.
    } else if (isOwed) this.#leftovers.leftBehind(client)
  }
}
