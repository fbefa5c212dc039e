import type { Express } from 'express'

/** The shop of the example over sessions of one kind or another. */
export interface BenchShop {
  open(): Promise<void>
  makeApp(onError: (error: unknown) => void): Express
  /** What is stored under a key. */
  load(key: string): Promise<object | undefined>
  close(): Promise<void>
  /** Microseconds of processor time that a server of its own has used so far, where there is one. */
  serverCpu?(): Promise<number>
}
