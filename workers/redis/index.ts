import {
  type ConnectionTally,
  describeFailure,
  Opcode,
  ReplyWriter,
  RequestReader,
  systemError,
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
import { adviceFor, Refusal } from './replies.js'
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
      deadline: performance.now() + commandTimeout - request.age,
    })
    return reply.finish()
  }

  walk(kind: WalkKind): Walk {
    const { prefix, acknowledge, commandTimeout } = this.#options
    return new ServerWalk(kind, {
      servers: this.#servers,
      prefix,
      records: this.#records,
      tally: this.#tally,
      acknowledge,
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
    const deadline = performance.now() + options.commandTimeout
    await servers.open(deadline)
    if (options.acknowledge !== undefined) await refuseSilence(servers, deadline)
  } catch (error) {
    servers.close()
    // The next task may be long in coming, and a thread that has none ends no connections.
    await new Promise((resolve) => setImmediate(resolve))
    throw error
  }
  return new RedisStorage(options, servers, tally)
}

/** Who may not ask what replicas have would be told of every write that it is not confirmed. */
async function refuseSilence(servers: Servers, deadline: number): Promise<void> {
  const asked = servers.masters().map((links) => links.next.ask(['WAIT', '0', '1'], deadline))
  const refusal = (await Promise.all(asked)).find((reply) => reply instanceof Refusal)
  if (refusal !== undefined) throw systemError(refusal.code, 'WAIT', adviceFor(refusal.code))
}
