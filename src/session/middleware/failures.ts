import type { ServerResponse } from 'node:http'

interface Answer {
  readonly status: number
  readonly text: string
  /** Seconds. */
  readonly retryAfter?: number
}

const BUSY: Answer = {
  status: 503,
  text: 'Sessions cannot be read or stored at the moment. Please try again.',
  retryAfter: 1,
}

/** What to tell a client, by the error's code: another copy of the package has other classes. */
const ANSWERS: ReadonlyMap<unknown, Answer> = new Map<unknown, Answer>([
  [
    'COATCHECK_MISSING',
    {
      status: 400,
      text:
        'The session of this request was deleted before the request was completed, ' +
        'for example by a logout in another window. Nothing was stored.',
    },
  ],
  [
    'COATCHECK_CONFLICT',
    {
      status: 409,
      text: 'Another request has changed the session of this one meanwhile. Nothing was stored. Please try again.',
    },
  ],
  ['COATCHECK_OVERLOADED', BUSY],
  ['COATCHECK_CLOSED', BUSY],
])

const FAILURE: Answer = { status: 500, text: 'The session could not be read or stored.' }

/** Whether this is no failure, but something that happens, of which the client can be told what to do. */
export function isExpected(error: unknown): boolean {
  return answerTo(error) !== FAILURE
}

/**
 * Answers a request whose session could not be loaded or stored, in plain text: 400 when the session was deleted
 * meanwhile, 409 for a conflict, 503 with `Retry-After` when the engine is overloaded or closed, else 500. Of the error
 * itself nothing is told. Where an answer is on its way already, nothing happens.
 */
export function answerSessionError(error: unknown, response: ServerResponse): void {
  if (response.headersSent || response.writableEnded) return
  const { status, text, retryAfter } = answerTo(error)
  const body = `${text}\n`
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.setHeader('Cache-Control', 'no-store')
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter)
  response.end(body)
}

function answerTo(error: unknown): Answer {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return ANSWERS.get(code) ?? FAILURE
}
