import type { FilesOptions } from 'coatcheck'

/** What the engine of another process is opened with. */
export interface RemoteOptions extends FilesOptions {
  readonly threads?: number
}

/** One call of an engine's method. */
export interface Call {
  readonly method: 'create' | 'update' | 'save' | 'touch' | 'load' | 'exists' | 'delete'
  readonly key: string
  readonly session?: Record<string, unknown>
  /** Seconds. */
  readonly maxAge?: number
}

/** What became of a call: its value, or the name of its error. */
export type Settled = { readonly value: unknown } | { readonly error: string }

/** What the parent asks of the child; every request is answered with its id. */
export type Request = { readonly id: number } & (
  | { readonly kind: 'open'; readonly options: RemoteOptions }
  /** Issues all calls in one turn of the event loop, then waits for all of them. */
  | { readonly kind: 'run'; readonly calls: readonly Call[] }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'close' }
)

/** The child's answer. */
export interface Answer {
  readonly id: number
  readonly settled?: readonly Settled[]
  readonly result?: unknown
  readonly error?: string
}
