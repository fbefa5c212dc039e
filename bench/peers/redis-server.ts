import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

const PROGRAM = 'redis-server'

/**
 * Becomes the server, and leaves a watcher behind that ends it as soon as the pipe at descriptor 3 is closed. The
 * system does that when our process ends, even when it is killed.
 */
const GUARDED = '{ read -r _; kill $$; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-'

/** Whether there is a Redis server to measure against. */
export function hasRedisServer(): boolean {
  return spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' }).status === 0
}

/** Nothing but memory; or a log of all commands, synced every second. */
export type Persistence = 'none' | 'everysec'

const PERSISTENCE: Readonly<Record<Persistence, readonly string[]>> = {
  none: ['--save', '', '--appendonly', 'no'],
  everysec: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'],
}

/** A Redis server of our own on loopback. It never outlives this process. */
export class RedisServer {
  readonly #directory: string
  readonly #persistence: Persistence
  #process: ChildProcess | undefined

  constructor(directory: string, persistence: Persistence = 'none') {
    this.#directory = directory
    this.#persistence = persistence
  }

  /** The shell that starts it becomes it. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it and returns its port. */
  async start(): Promise<number> {
    const port = await freePort()
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', this.#directory]
    const persistence = [...PERSISTENCE[this.#persistence], '--daemonize', 'no']
    const server = spawn('sh', ['-c', GUARDED, 'sh', PROGRAM, ...options, ...persistence], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    })
    this.#process = server
    await accepting(server)
    return port
  }

  /** Stops it and waits for its end. */
  async stop(): Promise<void> {
    const server = this.#process
    if (server === undefined) return
    this.#process = undefined
    const ended = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
    server.stdio[3]?.destroy()
    await ended
  }
}

/** Resolves when the server says so; rejects when it ends instead. */
function accepting(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = server.stdout === null ? undefined : createInterface(server.stdout)
    let last = 'it said nothing'
    lines?.on('line', (line) => {
      last = line
      if (line.includes('Ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`${PROGRAM} ended with ${code}: ${last}`)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
