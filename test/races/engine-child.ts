import { files, OwnedError, SessionEngine, StorageError } from 'coatcheck'
import type { Answer, Call, RemoteFailure, Request, Settled } from './engine-messages.js'
import { increment } from './increment.js'

/* An engine in a process of its own that does what its parent says. Ends when the parent does. */

let engine: SessionEngine | undefined
const emitted: RemoteFailure[] = []

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

function described(error: unknown): RemoteFailure {
  if (!(error instanceof Error)) return { name: 'no error', message: String(error) }
  const { name, message } = error
  if (error instanceof StorageError) return { name, message, errno: error.errno }
  return error instanceof OwnedError ? { name, message, pid: error.pid } : { name, message }
}

async function answer(request: Request): Promise<Omit<Answer, 'id'>> {
  switch (request.kind) {
    case 'open': {
      const { threads = 1, ...options } = request.options
      engine = new SessionEngine({ storage: files(options), threads, sweepInterval: false })
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
    case 'sweep':
      return { result: await opened().clearExpired() }
    case 'close':
      await opened().close()
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
