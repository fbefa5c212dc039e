import { isIP } from 'node:net'
import { errorCode, systemError } from '../protocol/index.js'
import type { RedisTls, RedisWorkerOptions, ServerAddress } from './options.js'
import { adviceFor, Refusal, type Reply, Unanswered, type Words } from './replies.js'

/** One connection to one server. Commands are done in the order in which they were sent. */
export interface Client {
  /** What the server calls this connection: its number there, and our address as the server sees it. */
  readonly identity: ClientIdentity
  /** Whether it has been neither lost nor destroyed. */
  readonly isOpen: boolean
  /** Whether something is unanswered. */
  readonly isOwed: boolean
  /** Never rejects; see {@link Reply}. */
  send(words: Words): Promise<Reply>
  /** Ends it at once: what was sent may or may not be done. */
  destroy(): void
}

/** Its number and its address, since a server that was started anew counts from one again. */
export interface ClientIdentity {
  readonly id: string
  readonly address: string
  /** Of the server, until it is started anew; of this connection alone where the server does not tell. */
  readonly server: string
}

/** Options of {@link openClient}. */
export interface ClientOptions {
  readonly address: ServerAddress
  readonly access: Pick<RedisWorkerOptions, 'tls' | 'username' | 'password' | 'database'>
  /** Milliseconds until the server has to have answered. */
  readonly timeout: number
  /** Whether a server that is a replica at present is refused. */
  readonly mastersOnly: boolean
  /** The connection is lost; it is told once, and not after `destroy`. */
  readonly onLost: () => void
}

/** The library knows this word for none; its types do not. */
const NO_TIMEOUT: object = { timeout: undefined }

type Library = typeof import('redis')

/**
 * Loads the client library.
 * @throws {Error} that says what to install
 */
export async function loadLibrary(): Promise<Library> {
  try {
    return await import('redis')
  } catch (error) {
    if (errorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('the package redis is missing: install it beside coatcheck (npm install redis)')
  }
}

/**
 * Connects, with user and password.
 * @throws {Error} a system error, its code that of the socket, of TLS or the server's own word
 */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { address, access, timeout, mastersOnly, onLost } = options
  const { createClient, ErrorReply, RESP_TYPES } = await loadLibrary()
  const { username, password, database, tls } = access
  const client = createClient({
    RESP: 2,
    name: 'coatcheck',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    // What cannot be sent now is sent again by us, when we want it.
    disableOfflineQueue: true,
    // Batches have a clock of their own: one of the library's for each command takes as long as the command.
    commandOptions: { ...NO_TIMEOUT, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      ...address,
      ...tlsOf(tls, address),
      connectTimeout: timeout,
      reconnectStrategy: false,
    },
  })
  let connected = false
  let owed = 0
  client.on('error', () => lose())
  client.on('end', () => lose())
  const lose = (): void => {
    if (!connected) return
    // At once: after an answer that makes no sense the library would give the next ones to whoever is next in line.
    destroy()
    onLost()
  }
  const send = async (words: Words): Promise<Reply> => {
    owed++
    try {
      // The library's types leave out what the options make of text.
      return (await client.sendCommand(words as (string | Buffer)[])) as unknown as Reply
    } catch (error) {
      return error instanceof ErrorReply ? new Refusal(error.message) : new Unanswered(true, codeOf(error))
    } finally {
      owed--
    }
  }
  const destroy = (): void => {
    connected = false
    if (client.isOpen) client.destroy()
  }
  // A server that accepts connections and says nothing, or one that speaks otherwise.
  const timer = setTimeout(destroy, timeout)
  try {
    await client.connect().catch((error: unknown) => {
      throw error instanceof ErrorReply ? refused(new Refusal(error.message)) : unreachable(codeOf(error))
    })
    const about = await send(['INFO', 'server'])
    refuseOld(about)
    if (mastersOnly && /^role:slave/m.test(textOf(await send(['INFO', 'replication']))))
      throw refused(new Refusal('READONLY'))
    const identity = identityIn(await send(['CLIENT', 'INFO']), about)
    connected = true
    return {
      identity,
      send,
      destroy,
      get isOpen() {
        return connected
      },
      get isOwed() {
        return owed > 0
      },
    }
  } catch (error) {
    destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** `SET` has both `NX` and `GET` since 7.0. Who may not ask for it is believed to know. */
function refuseOld(reply: Reply): void {
  const version = /^redis_version:((\d+)\.[\d.]+)/m.exec(textOf(reply))
  if (version === null || Number(version[2]) >= 7) return
  const reason = `version ${version[1]} is too old: Redis 7.0 or Valkey 7.2 is needed`
  throw systemError('TOO_OLD', 'connect', reason)
}

function identityIn(reply: Reply, about: Reply): ClientIdentity {
  if (reply instanceof Refusal) throw refused(reply)
  if (reply instanceof Unanswered) throw unreachable(reply.code)
  const text = textOf(reply)
  const id = /^id=(\d+) /.exec(text)?.[1]
  const address = / addr=(\S+)/.exec(text)?.[1]
  if (id === undefined || address === undefined) throw unreachable('EPROTO')
  return { id, address, server: /^run_id:(\w+)/m.exec(textOf(about))?.[1] ?? `${id} ${address}` }
}

function textOf(reply: Reply): string {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : ''
}

function tlsOf(tls: RedisTls | undefined, { host }: ServerAddress): object {
  if (tls === undefined) return {}
  // Only names go into the first message of TLS (RFC 6066).
  return { tls: true, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }
}

function refused({ code, details }: Refusal): Error {
  const word = details.startsWith('max number of clients') ? 'MAXCLIENTS' : code
  return systemError(word, 'connect', adviceFor(word))
}

function unreachable(code: string): Error {
  return systemError(code, 'connect', CONNECTING[code] ?? 'no connection to the server')
}

const UNTRUSTED =
  'nobody who is trusted has signed the certificate of the server: name its authority in tls.ca'

const CONNECTING: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate of the server is for another name: connect by that one or set tls.servername',
  ECONNREFUSED: 'nobody listens at this address',
  ENOTFOUND: 'there is no host of this name',
  ETIMEDOUT: 'the server does not answer: wrong address or no Redis or one that wants TLS',
  EPROTO:
    'no answer of a Redis server: another one or TLS on one side only or it wants a certificate (tls.cert and tls.key)',
}

/** A word for an error of the library's: it has classes where systems have codes. */
function codeOf(error: unknown): string {
  const code = errorCode(error) ?? errorCode((error as { cause?: unknown } | undefined)?.cause)
  if (code?.startsWith('ERR_SSL_')) return 'EPROTO'
  if (code !== undefined) return code
  const name = error instanceof Error ? error.constructor.name : ''
  if (/Timeout|Disconnects|ClientClosed/.test(name)) return 'ETIMEDOUT'
  return /Socket|Offline/.test(name) ? 'ECONNRESET' : 'EPROTO'
}
