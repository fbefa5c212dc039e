import type { IncomingMessage, ServerResponse } from 'node:http'
import { Session } from '../session.js'
import { answerSessionError, isExpected } from './failures.js'
import { fillSessionsOptions, type Next, type SessionErrorHandler, type SessionsOptions } from './options.js'
import { RequestSession } from './request-session.js'
import { ResponseGate } from './response-gate.js'
import { SessionCookie } from './session-cookie.js'
import { TouchTimes } from './touch-times.js'

/** A request that has come through {@link sessions}. */
export interface SessionRequest<Data extends object = Record<string, unknown>> extends IncomingMessage {
  /** The visitor's session. */
  session: Session<Data>
}

/**
 * Middleware for `node:http`, Connect and Express. A request for an upgrade has no response: any object in its place
 * does, nothing is stored then, and every error goes to `next`.
 */
export type SessionsMiddleware = (
  request: IncomingMessage,
  response: ServerResponse | Record<string, never>,
  next: Next,
) => void

/**
 * Makes middleware that gives each request its `session`, as Django's does: loaded, if the client has one; stored, when
 * it was changed, before headers go out, so that the client's next request sees it. docs/middleware.md tells it in full.
 *
 * @throws {TypeError} for a wrong option, naming it, its value and what was expected
 *
 * @example
 * const engine = new SessionEngine({ directory: './sessions' })
 * app.use(sessions({ engine, cookie: { secure: 'auto' } }))
 * app.get('/', (request, response) => {
 *   const session = sessionOf<{ visits: number }>(request)
 *   session.set('visits', session.get('visits', 0) + 1)
 *   response.send(`visit ${session.get('visits')}`)
 * })
 */
export function sessions(options: SessionsOptions): SessionsMiddleware {
  const filled = fillSessionsOptions(options)
  const cookie = new SessionCookie(filled.cookie, filled.values)
  const { saveEveryRequest, touchAfter } = filled
  const storing = { cookie, saveEveryRequest, touchAfter, touches: new TouchTimes() }

  return (request, response, next) => {
    const taken: unknown = Reflect.get(request, 'session')
    if (taken !== undefined) {
      // Once is enough, as where an application and its router both have it.
      next(
        taken instanceof Session
          ? undefined
          : new TypeError('request.session is there already, and not ours'),
      )
      return
    }
    const received = cookie.read(request)
    const session = new Session({ key: received.key, ...filled.session })
    const goOn = (): void => {
      // Not before it is loaded: where that fails, an error page would find a session that it can neither read nor store.
      Object.assign(request, { session })
      if (isResponse(response)) {
        const failed = (error: Error): void => {
          tell(error, { request, response, next }, filled.onError ?? answerOrWarn)
        }
        new ResponseGate(response, new RequestSession(request, response, received, storing, failed))
      }
      next()
    }
    if (filled.load === 'lazy' || session.isLoaded) {
      goOn()
      return
    }
    // Outside the promise, so that what a handler throws is an exception of its own and no rejection.
    session.load().then(
      () => process.nextTick(goOn),
      (error: Error) => {
        if (isResponse(response)) tell(error, { request, response, next }, filled.onError ?? answerOrPass)
        else process.nextTick(next, error)
      },
    )
  }
}

/**
 * The session of a request that has come through {@link sessions}.
 * @throws {TypeError} when it has not, or when its session could not be loaded
 */
export function sessionOf<Data extends object = Record<string, unknown>>(
  request: IncomingMessage,
): Session<Data> {
  const session: unknown = Reflect.get(request, 'session')
  if (session instanceof Session) return session as Session<Data>
  throw new TypeError(
    'this request has no session: the middleware sessions() has to come before the handler, and has to have loaded it',
  )
}

function isResponse(response: ServerResponse | Record<string, never>): response is ServerResponse {
  return typeof response.writeHead === 'function'
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly next: Next
}

/** Has an error answered; where that goes wrong in its turn, the client gets an answer, and the process hears of it. */
async function tell(
  error: Error,
  { request, response, next }: Exchange,
  handle: SessionErrorHandler,
): Promise<void> {
  try {
    // It may be an async function, whatever its type says.
    await (handle(error, request, response, next) as unknown)
  } catch (thrown) {
    answerSessionError(error, response)
    process.nextTick(() => {
      throw thrown
    })
  }
}

/** Before the handler has run, the framework can take over as after any other error. */
const answerOrPass: SessionErrorHandler = (error, _request, response, next) => {
  if (isExpected(error)) answerSessionError(error, response)
  else process.nextTick(next, error)
}

/** Afterwards it may not expect to hear of this request again. But somebody has to. */
const answerOrWarn: SessionErrorHandler = (error, _request, response) => {
  if (!isExpected(error)) process.emitWarning(error)
  answerSessionError(error, response)
}
