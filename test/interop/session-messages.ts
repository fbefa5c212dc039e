/** What the parent asks the process of one session to do. */
export interface SessionCall {
  /** `begin`: a session of this key, or a new one, loaded. */
  readonly method: 'begin' | 'save' | 'flush'
  readonly key?: string
  /** Set before it is saved. */
  readonly values?: Record<string, unknown>
}

/** What became of it. */
export interface SessionAnswer {
  readonly key: string | undefined
  readonly failure?: { readonly name: string; readonly errno: string | undefined }
}
