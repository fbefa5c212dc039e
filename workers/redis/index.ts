import {
  type ConnectionTally,
  describeFailure,
  Opcode,
  ReplyWriter,
  RequestReader,
  type Walk,
  type WalkKind,
  type WorkerStorage,
} from '../protocol/index.js'
import { Cluster } from './cluster.js'
import { converse } from './conversation.js'
import type { Exchange } from './exchanges/exchange.js'
import { exchangeFor } from './exchanges/exchange-for.js'
import type { RedisWorkerOptions } from './options.js'
import { Records } from './records.js'
import type { Servers } from './servers.js'
import { SingleServer } from './single-server.js'
import { ServerWalk } from './walk.js'

/** The worker half of `redis()`. */
class RedisStorage implements WorkerStorage {
  readonly waitsForOthers = true
  readonly #options: RedisWorkerOptions
  readonly #servers: Servers
  readonly #records: Records
  readonly #tally: ConnectionTally

  constructor(options: RedisWorkerOptions, servers: Servers, tally: ConnectionTally) {
    this.#options = options
    this.#servers = servers
    this.#tally = tally
    this.#records = new Records(options.seal)
  }

  async apply(wire: ArrayBuffer): Promise<ArrayBuffer | null> {
    const { prefix, acknowledge, commandTimeout } = this.#options
    const request = new RequestReader(wire)
    const reply = new ReplyWriter(request.slots)
    const exchanges: Exchange[] = []
    while (request.next()) {
      if (request.opcode === Opcode.VOID) continue
      try {
        exchanges.push(exchangeFor(request, { records: this.#records, prefix, reply }))
      } catch (error) {
        reply.fail(describeFailure(request.index, error))
      }
    }
    await converse(exchanges, {
      servers: this.#servers,
      reply,
      acknowledge,
      tally: this.#tally,
      deadline: performance.now() + commandTimeout,
    })
    return reply.finish()
  }

  walk(kind: WalkKind): Walk {
    const { prefix, commandTimeout } = this.#options
    return new ServerWalk(kind, {
      servers: this.#servers,
      prefix,
      records: this.#records,
      tally: this.#tally,
      timeout: commandTimeout,
    })
  }

  close(): void {
    this.#servers.close()
  }
}

/**
 * Connects to the server, or says what is wrong with it.
 * @throws {Error}
 */
export async function openStorage(
  options: RedisWorkerOptions,
  tally: ConnectionTally,
): Promise<WorkerStorage> {
  const [first] = options.nodes
  if (first === undefined) throw new TypeError('a Redis storage needs a server')
  const servers = options.cluster ? new Cluster(options, tally) : new SingleServer(first, options, tally)
  try {
    await servers.open(performance.now() + options.commandTimeout)
  } catch (error) {
    servers.close()
    throw error
  }
  return new RedisStorage(options, servers, tally)
}
