import { closeSync, constants, openSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { errorCode } from '../../../workers/protocol/index.js'

/*
 * A socket in the file system as a sign of life. The kernel answers for a process as long as it lives, however busy it is,
 * and stops the moment it dies: no heartbeat that a stalled process would miss, no process id that another process
 * may have by now, and it holds across containers that share the directory.
 */

/** Longest path, in bytes, that the address of a socket holds on every system. */
const LONGEST_ADDRESS = 100
/** A FIFO in its place must not keep us waiting. */
const FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0)

/** A directory by a path that is short enough for the address of a socket. */
export class SocketDirectory {
  readonly #path: string
  readonly #descriptor: number | undefined

  constructor(directory: string) {
    const long = Buffer.byteLength(directory) + 64 > LONGEST_ADDRESS
    this.#descriptor = long && process.platform === 'linux' ? openSync(directory, FLAGS) : undefined
    this.#path = this.#descriptor === undefined ? directory : `/proc/self/fd/${this.#descriptor}`
  }

  /** The address of a socket in it. */
  address(name: string): string {
    return `${this.#path}/${name}`
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
  }
}

/** A socket of ours that others can knock at. Keeps no process alive. */
export class SignOfLife {
  readonly #server: Server
  readonly #visitors = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (visitor) => {
      this.#visitors.add(visitor)
      visitor.unref()
      visitor.on('error', () => undefined)
      visitor.on('close', () => this.#visitors.delete(visitor))
      // Whoever waits for us to go hears it when this connection ends.
      visitor.resume()
    })
    server.unref()
  }

  /** Rejects with the system's error when the address is taken or the file system holds no sockets. */
  static async show(address: string): Promise<SignOfLife> {
    const server = createServer()
    const sign = new SignOfLife(server)
    await new Promise<void>((resolve, reject) => {
      // Later ones, of a visitor who could not be let in, say, matter to nobody.
      server.on('error', reject)
      // In a cluster, a worker's own socket, not one of its primary that outlives it.
      server.listen({ path: address, exclusive: true }, resolve)
    })
    return sign
  }

  /** Ends it; who waits for that hears of it. */
  async end(): Promise<void> {
    for (const visitor of this.#visitors) visitor.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** A connection to the socket of a live process; `undefined` when nobody is there any more. */
export async function knock(address: string): Promise<Socket | 'unreachable' | undefined> {
  const socket = connect(address)
  socket.unref()
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.on('error', () => undefined)
    socket.resume()
    return socket
  } catch (error) {
    socket.destroy()
    // Anything but these says that there is somebody who cannot be talked to: of another user, or too busy.
    return ['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '') ? undefined : 'unreachable'
  }
}
