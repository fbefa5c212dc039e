import type { SealBinding } from '../seal/index.js'

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** What of TLS can be handed to a thread: see `tls.connect` of Node. */
export interface RedisTls {
  /** Certificates that are trusted instead of those of the well-known authorities, in PEM. */
  readonly ca?: string | readonly string[]
  /** The client's own certificate and its key, in PEM. */
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  /** The name that the server's certificate has to be for. */
  readonly servername?: string
  /** Whether a server is refused whose certificate is not trusted. Default `true`. */
  readonly rejectUnauthorized?: boolean
}

/** When a write is acknowledged: when so many replicas have it as well, or have not within so many milliseconds. */
export interface ReplicaAcknowledgement {
  readonly replicas: number
  readonly timeoutMs: number
}

/** What the workers of a Redis storage are opened with. */
export interface RedisWorkerOptions {
  /** The server; of a cluster, nodes to ask for the others. */
  readonly nodes: readonly ServerAddress[]
  readonly cluster: boolean
  readonly tls: RedisTls | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly prefix: string
  /** Absent: when the master has it. */
  readonly acknowledge: ReplicaAcknowledgement | undefined
  readonly connectionsPerWorker: number
  /** Milliseconds after which an operation is given up, whatever keeps it. */
  readonly commandTimeout: number
  readonly maxRecordBytes: number
  readonly seal?: SealBinding
}
