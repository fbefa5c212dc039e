import { createClient } from 'redis'

/** A connection to a server on loopback. */
export async function connectTo(port: number) {
  const client = createClient({ socket: { host: '127.0.0.1', port } })
  // Without a listener a connection that breaks at the end would end the process.
  client.on('error', () => undefined)
  return client.connect()
}

/** What {@link connectTo} gives: the library's types depend on the options. */
export type RedisClient = Awaited<ReturnType<typeof connectTo>>
