import type { Server } from 'node:http'
import type { ServerUsage } from '../harness/usage.js'

/** The shop of the example, in one framework or another, over sessions of one kind or another. */
export interface BenchShop {
  open(): Promise<void>
  /** A server that does not listen yet. */
  makeServer(onError: (error: unknown) => void): Promise<Server>
  /** What is stored under a key. */
  load(key: string): Promise<object | undefined>
  close(): Promise<void>
  /** What a server of the store's own has used so far, where there is one. */
  serverUsage?(): Promise<ServerUsage>
}
