/** One step to be measured alone. */
export interface Case {
  readonly name: string
  /** Synchronous; returns what it has made, so that making it cannot be optimised away. */
  readonly step?: () => unknown
  /** Or asynchronous. */
  readonly asyncStep?: () => Promise<unknown>
}
