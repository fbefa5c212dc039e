import type { RedisOptions } from 'coatcheck/redis'
import { RedisCluster, until } from '../fixtures/redis/redis-cluster.js'
import { RedisServer } from '../fixtures/redis/redis-server.js'
import { SlotMover } from '../fixtures/redis/slot-mover.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/** Which servers there are. */
export type ServerKind = 'one' | 'cluster'
/** What happens to them all the time: connections are ended by the server, or slots move from one master to another. */
export type Trouble = 'connections' | 'slots'

/** Bytes of logs: a few operations, so that hardly one of them is troubled more than once. */
const PROGRESS = 2000
const PREFIX = 'history:'

/** Servers in the place of a directory, to which something happens. */
export class TroubledServers {
  readonly #servers: RedisServer | RedisCluster
  #mover: SlotMover | undefined

  private constructor(servers: RedisServer | RedisCluster) {
    this.#servers = servers
  }

  static async start(kind: ServerKind): Promise<TroubledServers> {
    const directory = temporaryDirectory('memory')
    const servers = kind === 'one' ? new RedisServer({ directory }) : new RedisCluster(directory)
    const started = new TroubledServers(servers)
    try {
      if (servers instanceof RedisServer) await servers.start()
      else {
        await servers.start({ masters: 3, replicas: 0 })
        started.#mover = await SlotMover.connect(servers)
      }
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  /** What storages are opened with. */
  get options(): RedisOptions {
    const servers = this.#servers
    const all = { prefix: PREFIX, commandTimeout: 60_000 }
    if (servers instanceof RedisCluster) return { ...all, nodes: servers.nodes, cluster: true }
    return { ...all, nodes: [`127.0.0.1:${servers.port}`] }
  }

  /**
   * Makes trouble until it is over; how often it did.
   * @param keys Whose slots are to move.
   * @param progress Grows by what those write down that are troubled: they are let get on between two times.
   */
  async make(
    trouble: Trouble,
    keys: readonly string[],
    progress: () => number,
    isOver: () => boolean,
  ): Promise<number> {
    let times = 0
    for (; !isOver(); times++) {
      if (trouble === 'connections') await this.#endConnections(times)
      else await this.#mover?.move(`${PREFIX}${keys[times % keys.length]}`)
      const before = progress()
      await until(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return isOver() || progress() > before + PROGRESS
      })
    }
    return times
  }

  async stop(): Promise<void> {
    this.#mover?.close()
    await this.#servers.stop()
  }

  /** Of one server after the other. */
  async #endConnections(turn: number): Promise<void> {
    const servers = this.#servers instanceof RedisCluster ? this.#servers.servers : [this.#servers]
    await servers[turn % servers.length]?.endConnections()
  }
}
