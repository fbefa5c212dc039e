import type { ServerAddress } from '../../workers/redis/options.js'
import { kindOf, refuseUnseen } from '../option-checks.js'

const PORT = 6379
const WHAT = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS'

/** What a URL says of a server. */
export interface RedisUrl {
  readonly address: ServerAddress
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

/**
 * Takes a URL apart, https://www.iana.org/assignments/uri-schemes/prov/redis
 * @throws {TypeError} that shows nothing of it: a password may be in it
 */
export function readUrl(url: unknown): RedisUrl {
  if (typeof url !== 'string' || !URL.canParse(url)) return refuseUnseen('url', kindOf(url), WHAT)
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    return refuseUnseen('url', 'one that begins otherwise', WHAT)
  if (hostname === '') return refuseUnseen('url', 'one without a host', WHAT)
  if (search !== '' || hash !== '') return refuseUnseen('url', 'one with ? or #', WHAT)
  const database = pathname.length > 1 ? Number(pathname.slice(1)) : 0
  if (!Number.isInteger(database) || database < 0)
    return refuseUnseen('url', 'one whose database is no number', WHAT)
  return {
    address: { host: withoutBrackets(hostname), port: port === '' ? PORT : Number(port) },
    tls: protocol === 'rediss:',
    username: decoded(username),
    password: decoded(password),
    database,
  }
}

/**
 * The address in `'host:port'` or `{ host, port }`.
 * @throws {TypeError} naming the option
 */
export function addressOf(option: string, node: unknown): ServerAddress {
  const { host, port = PORT } = (
    typeof node === 'string' ? split(node) : (node ?? {})
  ) as Partial<ServerAddress>
  const fits = typeof host === 'string' && host !== '' && Number.isInteger(port) && port > 0 && port < 65_536
  return fits
    ? { host, port }
    : refuseUnseen(option, kindOf(node), "'host:port', '[::1]:port' or { host, port }")
}

function split(node: string): Partial<ServerAddress> {
  // An address with colons of its own stands in brackets, as in a URL.
  const { host, port } = /^(?<host>\[.+\]|[^:]+)(?::(?<port>\d+))?$/.exec(node)?.groups ?? {}
  if (host === undefined || host.includes('@') || host.includes('/')) return {}
  return { host: withoutBrackets(host), ...(port === undefined ? {} : { port: Number(port) }) }
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    return refuseUnseen('url', 'one whose user or password is not escaped', WHAT)
  }
}
