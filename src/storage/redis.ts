import { inspect } from 'node:util'
import type { StorageDescription } from '../../workers/protocol/index.js'
import type {
  RedisTls,
  RedisWorkerOptions,
  ReplicaAcknowledgement,
  ServerAddress,
} from '../../workers/redis/options.js'
import { booleanOption, checkNames, kindOf, numberOption, refuse, refuseUnseen } from '../option-checks.js'
import { addressOf, type RedisUrl, readUrl } from './redis-url.js'

export type { RedisTls, ReplicaAcknowledgement, ServerAddress }

/** Options of {@link redis}; one of `url` and `nodes` is needed. */
export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
  url?: string
  /** The server; of a cluster, some of its nodes, which know the others: `'host:6379'` or `{ host, port }`. */
  nodes?: readonly (string | ServerAddress)[]
  /** Whether it is a Redis or Valkey Cluster. Default `false`. */
  cluster?: boolean
  /** TLS with the certificates of the well-known authorities, or as these options say. Default: as the URL says. */
  tls?: boolean | RedisTls
  /** Default: that of the URL, or none. */
  username?: string
  /** Default: that of the URL, or none. */
  password?: string
  /**
   * What every session's key on the server begins with: 1 to 64 of `a-z A-Z 0-9 _ . : -`. No prefix in use may begin with
   * another one. Default `'coatcheck:'`.
   */
  prefix?: string
  /**
   * When a write is acknowledged: when the master has it, or when so many replicas have it, too. A write of which not enough of them have said
   * so within `timeoutMs` rejects with `UnconfirmedError`. Default `'master'`.
   */
  acknowledge?: 'master' | ReplicaAcknowledgement
  /** Connections of each worker thread to each server, 1 to 16. Default 1. */
  connectionsPerWorker?: number
  /**
   * Milliseconds after which an operation is given up, whatever keeps it: a server that is down, a cluster that has just lost a
   * master. Default 5 000.
   */
  commandTimeout?: number
  /** Largest encoded session in bytes; a larger one is refused with an `EncodeError`. Default 1 MiB. */
  maxRecordBytes?: number
}

const KNOWN = [
  'url',
  'nodes',
  'cluster',
  'tls',
  'username',
  'password',
  'prefix',
  'acknowledge',
  'connectionsPerWorker',
  'commandTimeout',
  'maxRecordBytes',
] as const

const TLS_NAMES = ['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized'] as const

/**
 * The storage that keeps sessions on a Redis or Valkey server, or in a cluster of them. It needs the package `redis` beside
 * `coatcheck`.
 *
 * @throws {TypeError} for a wrong option, naming it
 * @example
 * new SessionEngine({ storage: redis({ url: 'redis://127.0.0.1:6379' }) })
 * new SessionEngine({ storage: redis({ cluster: true, nodes: ['10.0.0.1:6379', '10.0.0.2:6379'] }) })
 */
export function redis(options: RedisOptions): StorageDescription {
  checkRedisNames(options)
  const { url, nodes, prefix = 'coatcheck:' } = options
  if ((url === undefined) === (nodes === undefined))
    refuseUnseen('url', url === undefined ? 'absent' : 'given beside nodes', 'one of url and nodes')
  const target: RedisUrl | undefined = url === undefined ? undefined : readUrl(url)
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9_.:-]{1,64}$/.test(prefix))
    refuse('prefix', prefix, '1 to 64 characters of a-z A-Z 0-9 _ . : -')
  const cluster = booleanOption('cluster', options.cluster, false)
  if (cluster && (target?.database ?? 0) !== 0)
    refuseUnseen('url', 'one with a database', 'none of cluster: a cluster has only the first')
  const commandTimeout = numberOption('commandTimeout', options.commandTimeout, 5000, {
    least: 1,
    most: 600_000,
    unit: 'milliseconds',
  })
  return describe({
    nodes: target === undefined ? addressesOf(nodes, cluster) : [target.address],
    cluster,
    tls: tlsOption(options.tls, target?.tls === true),
    username: textOption('username', options.username) ?? target?.username,
    password: textOption('password', options.password) ?? target?.password,
    database: target?.database ?? 0,
    prefix,
    acknowledge: acknowledgeOption(options.acknowledge, commandTimeout),
    connectionsPerWorker: numberOption('connectionsPerWorker', options.connectionsPerWorker, 1, {
      least: 1,
      most: 16,
      unit: 'connections',
      whole: true,
    }),
    commandTimeout,
    maxRecordBytes: numberOption('maxRecordBytes', options.maxRecordBytes, 2 ** 20, {
      least: 1,
      most: 2 ** 28,
      unit: 'bytes',
      whole: true,
    }),
  })
}

/**
 * MiB, as much as V8 has by itself. A command of the client's is a dozen objects that live until its answer is there: in a
 * smaller space each collection would find many of them alive, and copy them; or, where that is as large as it may be and
 * nearly all of them are, let all that come after be made among the old.
 */
const YOUNG_GENERATION = 48

/** The same storage, with a seal or without. */
function describe(workerOptions: RedisWorkerOptions): StorageDescription {
  return {
    kind: 'redis',
    module: new URL('../../workers/redis/index.js', import.meta.url).href,
    options: unseen(workerOptions),
    youngGeneration: YOUNG_GENERATION,
    maxRecordBytes: workerOptions.maxRecordBytes,
    listsKeys: true,
    expiresItself: true,
    waitsForOthers: true,
    // One for every batch that can be under way, as with files.
    lanes: (threads, depth) => threads * depth,
    withSeal: (seal) => describe({ ...workerOptions, seal }),
  }
}

/** Options that a log shows nothing of: a password may be among them. Workers get them as they are. */
function unseen(options: RedisWorkerOptions): RedisWorkerOptions {
  const told = { value: () => '[options of redis()]', enumerable: false }
  return Object.defineProperties({ ...options }, { [inspect.custom]: told, toJSON: told })
}

function checkRedisNames(options: RedisOptions): void {
  if (typeof options !== 'object' || options === null)
    refuseUnseen('redis', kindOf(options), '{ url } or { nodes }')
  checkNames('redis', options, KNOWN)
}

function addressesOf(nodes: RedisOptions['nodes'], cluster: boolean): ServerAddress[] {
  if (!Array.isArray(nodes) || nodes.length === 0 || (!cluster && nodes.length > 1)) {
    return refuseUnseen(
      'nodes',
      kindOf(nodes),
      cluster ? 'an array of addresses' : 'an array of one address, or cluster: true',
    )
  }
  return nodes.map((node: unknown, index) => addressOf(`nodes[${index}]`, node))
}

function textOption(option: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return refuseUnseen(option, kindOf(value), 'a string that is not empty')
}

function tlsOption(tls: unknown, byUrl: boolean): RedisTls | undefined {
  if (tls === undefined) return byUrl ? {} : undefined
  if (tls === true) return {}
  if (tls === false)
    return byUrl ? refuseUnseen('tls', 'false', 'true or absent where the url is rediss://') : undefined
  if (typeof tls !== 'object' || tls === null)
    return refuseUnseen('tls', kindOf(tls), 'true, false or an object')
  for (const name of Object.keys(tls)) {
    if (!(TLS_NAMES as readonly string[]).includes(name))
      refuseUnseen(`tls.${name}`, 'given', `one of ${TLS_NAMES.join(', ')}`)
  }
  return { ...(tls as RedisTls) }
}

function acknowledgeOption(acknowledge: unknown, commandTimeout: number): ReplicaAcknowledgement | undefined {
  if (acknowledge === undefined || acknowledge === 'master') return undefined
  if (typeof acknowledge !== 'object' || acknowledge === null)
    return refuse('acknowledge', acknowledge, "'master' or { replicas, timeoutMs }")
  checkNames('acknowledge', acknowledge, ['replicas', 'timeoutMs'])
  const { replicas, timeoutMs } = acknowledge as Partial<ReplicaAcknowledgement>
  return {
    replicas: numberOption('acknowledge.replicas', replicas, 1, {
      least: 1,
      most: 100,
      unit: 'replicas',
      whole: true,
    }),
    timeoutMs: numberOption(
      'acknowledge.timeoutMs',
      timeoutMs,
      Math.min(1000, Math.ceil(commandTimeout / 2)),
      {
        least: 1,
        // An answer needs some time besides; and two batches on one connection are confirmed one after the other.
        most: Math.max(1, Math.floor(commandTimeout / 2)),
        unit: 'milliseconds, up to half of commandTimeout,',
        whole: true,
      },
    ),
  }
}
