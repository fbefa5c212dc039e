import type { EngineStatistics, FilesOptions, SessionEngineOptions } from 'coatcheck'
import type { RedisOptions } from 'coatcheck/redis'

/** What the engine of another process is opened with: files, or sessions on servers. */
export type RemoteOptions = RemoteEngineOptions & (FilesOptions | { readonly servers: RedisOptions })

interface RemoteEngineOptions {
  readonly threads?: number
  readonly maxPending?: SessionEngineOptions['maxPending']
  /** Of files: the first worker that meets this key dies of it. */
  readonly poison?: string
}

/** One call of an engine's method. */
export interface Call {
  /** `increment`: adds one to a counter so many `times`; nothing that others add is lost. */
  readonly method: 'create' | 'update' | 'save' | 'touch' | 'load' | 'exists' | 'delete' | 'increment'
  readonly key: string
  readonly session?: Record<string, unknown>
  /** Seconds. */
  readonly maxAge?: number
  readonly times?: number
}

/** An error as it travels between processes. */
export interface RemoteFailure {
  readonly name: string
  readonly message: string
  /** `StorageError`: the system's code. */
  readonly errno?: string
  /** `OwnedError`: the owner. */
  readonly pid?: number
}

/** What became of a call: its value, or its error. */
export type Settled =
  | { readonly value: unknown }
  | { readonly error: string; readonly failure: RemoteFailure }

/** What the parent asks of the child; every request is answered with its id. */
export type Request = { readonly id: number } & (
  | { readonly kind: 'open'; readonly options: RemoteOptions }
  /** Issues all calls in one turn of the event loop, then waits for all of them. */
  | { readonly kind: 'run'; readonly calls: readonly Call[] }
  /** Everything acknowledged, into files. */
  | { readonly kind: 'flush' }
  | { readonly kind: 'sweep' }
  /** Issues all calls in one turn, and waits for none of them. */
  | { readonly kind: 'flood'; readonly calls: readonly Call[] }
  /** How it is, and what has become of the calls of floods. */
  | { readonly kind: 'condition' }
  /** Waits for the calls of floods, and forgets them. */
  | { readonly kind: 'flooded' }
  | { readonly kind: 'count' }
  /** The same engine, whose opening has failed. */
  | { readonly kind: 'reopen' }
  /** The errors that it has emitted so far. */
  | { readonly kind: 'errors' }
  | { readonly kind: 'close'; readonly timeout: number | undefined }
)

/** How an engine and its process are. */
export interface Condition {
  readonly statistics: EngineStatistics
  /** Bytes that the main thread uses, garbage not counted. */
  readonly memory: number
  /** Open descriptors. */
  readonly descriptors: number
  /** Calls of floods that have succeeded. */
  readonly done: number
  /** How many have failed, by the errors' names. */
  readonly failed: Readonly<Record<string, number>>
}

/** The child's answer. */
export interface Answer {
  readonly id: number
  readonly settled?: readonly Settled[]
  readonly result?: unknown
  readonly error?: RemoteFailure
}
