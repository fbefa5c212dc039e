import { readdirSync } from 'node:fs'
import {
  type FilesOptions,
  files,
  OwnedError,
  SessionEngine,
  type StorageDescription,
  StorageError,
} from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { faultyFiles } from '../fixtures/faulty-files.js'
import type { Answer, Call, Condition, RemoteFailure, Request, Settled } from './engine-messages.js'
import { increment } from './increment.js'

/* An engine in a process of its own that does what its parent says. Ends when the parent does. */

let engine: SessionEngine | undefined
const emitted: RemoteFailure[] = []
let flooded: Promise<Settled>[] = []
let done = 0
const refusals = new Map<string, Settled>()
let failed: Record<string, number> = {}

function opened(): SessionEngine {
  if (engine === undefined) throw new Error('the engine has not been opened')
  return engine
}

function issue(call: Call): Promise<unknown> {
  const { method, key, session = {}, maxAge, times = 1 } = call
  const expiry = maxAge === undefined ? undefined : { maxAge }
  switch (method) {
    case 'create':
    case 'update':
    case 'save':
      return opened()[method](key, session, expiry)
    case 'increment':
      return increment(opened(), key, times)
    case 'touch':
      return opened().touch(key, expiry)
    default:
      return opened()[method](key)
  }
}

async function settle(call: Call): Promise<Settled> {
  try {
    return { value: await issue(call) }
  } catch (error) {
    const failure = described(error)
    return { error: failure.name, failure }
  }
}

function flood(calls: readonly Call[]): void {
  for (const call of calls) flooded.push(settle(call).then(tallied))
}

function tallied(settled: Settled): Settled {
  if ('value' in settled) done++
  else {
    failed[settled.error] = (failed[settled.error] ?? 0) + 1
    // One of each, or floods of refusals would be what takes the memory.
    const { message } = settled.failure
    const same = refusals.get(message)
    if (same !== undefined) return same
    refusals.set(message, settled)
  }
  return settled
}

function memoryInUse(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function condition(): Condition {
  const descriptors = readdirSync('/proc/self/fd').length
  return { statistics: opened().stats(), memory: memoryInUse(), descriptors, done, failed }
}

async function endOfFlood(): Promise<Settled[]> {
  const settled = await Promise.all(flooded)
  flooded = []
  done = 0
  failed = {}
  return settled
}

function described(error: unknown): RemoteFailure {
  if (!(error instanceof Error)) return { name: 'no error', message: String(error) }
  const { name, message } = error
  if (error instanceof StorageError) return { name, message, errno: error.errno }
  return error instanceof OwnedError ? { name, message, pid: error.pid } : { name, message }
}

function storageOf(
  options: FilesOptions | { readonly servers: RedisOptions },
  poison: string | undefined,
): StorageDescription {
  if ('servers' in options) return redis(options.servers)
  if (poison === undefined) return files(options)
  return faultyFiles({ key: poison, when: 'before', how: 'exit', times: 1 }, options).storage
}

async function answer(request: Request): Promise<Omit<Answer, 'id'>> {
  switch (request.kind) {
    case 'open': {
      const { threads = 1, maxPending, poison, ...options } = request.options
      const bounds = maxPending === undefined ? {} : { maxPending }
      const storage = storageOf(options, poison)
      engine = new SessionEngine({ storage, threads, sweepInterval: false, ...bounds })
      engine.on('error', (error) => emitted.push(described(error)))
      await engine.ready()
      return {}
    }
    case 'run':
      return { settled: await Promise.all(request.calls.map(settle)) }
    case 'flush':
      await opened().flush({ files: true })
      return {}
    case 'errors':
      return { result: emitted }
    case 'flood':
      flood(request.calls)
      return {}
    case 'condition':
      return { result: condition() }
    case 'flooded':
      return { settled: await endOfFlood() }
    case 'reopen':
      await opened().ready()
      return {}
    case 'count':
      return { result: await opened().count() }
    case 'sweep':
      return { result: await opened().clearExpired() }
    case 'close':
      await opened().close(request.timeout === undefined ? {} : { timeout: request.timeout })
      return {}
  }
}

process.on('message', (request: Request) => {
  answer(request).then(
    (content) => process.send?.({ id: request.id, ...content }),
    (error: unknown) => process.send?.({ id: request.id, error: described(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
