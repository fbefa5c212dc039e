import type { IncomingMessage, ServerResponse } from 'node:http'
import { booleanOption, checkNames, choiceOption, numberOption, refuse } from '../../option-checks.js'
import { fillSessionOptions, type SessionOptions } from '../options.js'
import { type FilledCookieOptions, fillCookieOptions, type SessionCookieOptions } from './cookie-options.js'
import { type CookieValues, signedValues, UNSIGNED } from './cookie-values.js'

/** What comes after a middleware, in Connect and Express. */
export type Next = (error?: unknown) => void

/**
 * Answers a request whose session could not be loaded or stored.
 *
 * Before the handler has run, `next(error)` always leads to the framework's own error handling. Afterwards it does so
 * in Connect and Express; the response is then as if the handler had not answered. Where `response.headersSent`, only
 * what came after the headers could not be stored, and the response was cut off.
 */
export type SessionErrorHandler = (
  error: Error & { readonly code?: string },
  request: IncomingMessage,
  response: ServerResponse,
  next: Next,
) => void

/** Options of {@link sessions}. */
export interface SessionsOptions extends Omit<SessionOptions, 'key'> {
  /** The cookie that names the session. */
  cookie?: SessionCookieOptions
  /**
   * Signs the keys in cookies, so that made-up ones never reach the storage. Of several, the first signs, and all are
   * good: put a new one in front. Default none, as in Django.
   */
  secret?: string | readonly string[]
  /**
   * Whether every request stores its session, if there is one, and renews its expiry and the cookie. Default false: only
   * those that change it do.
   */
  saveEveryRequest?: boolean
  /**
   * With `saveEveryRequest`: sessions that were not changed are not stored again, only their expiry moves, at most once
   * in so many seconds. Then a change inside a value has to be told: `session.modified = true`. Default none: all of them are
   * stored, changed or not.
   */
  touchAfter?: number
  /** `'eager'`: sessions are loaded before the handler runs. `'lazy'`: by `await request.session.load()`. Default eager. */
  load?: 'eager' | 'lazy'
  /** Default {@link answerSessionError}; and `next(error)` where the handler has not run and the answer would be 500. */
  onError?: SessionErrorHandler
}

/** The same, checked, with defaults filled in. */
export interface FilledSessionsOptions {
  readonly session: Omit<SessionOptions, 'key'>
  readonly cookie: FilledCookieOptions
  readonly values: CookieValues
  readonly saveEveryRequest: boolean
  readonly touchAfter: number | undefined
  readonly load: 'eager' | 'lazy'
  readonly onError: SessionErrorHandler | undefined
}

const NAMES = [
  'engine',
  'conflict',
  'maxAge',
  'expireAtBrowserClose',
  'cookie',
  'secret',
  'saveEveryRequest',
  'touchAfter',
  'load',
  'onError',
]
const LONGEST_TOUCH = 31_536_000

/** @throws {TypeError} naming the option, its value and what was expected */
export function fillSessionsOptions(options: SessionsOptions): FilledSessionsOptions {
  checkNames('options', options, NAMES)
  const { onError } = options
  if (onError !== undefined && typeof onError !== 'function') refuse('onError', onError, 'a function')
  const saveEveryRequest = booleanOption('saveEveryRequest', options.saveEveryRequest, false)
  return {
    session: sessionOptions(options),
    cookie: fillCookieOptions(options.cookie),
    values: valuesOption(options.secret),
    saveEveryRequest,
    touchAfter: touchAfterOption(options.touchAfter, saveEveryRequest),
    load: choiceOption('load', options.load, 'eager', ['eager', 'lazy']),
    onError,
  }
}

function sessionOptions(options: SessionsOptions): Omit<SessionOptions, 'key'> {
  const { engine, conflict, maxAge, expireAtBrowserClose } = options
  const given: Omit<SessionOptions, 'key'> = {
    engine,
    ...(conflict === undefined ? {} : { conflict }),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(expireAtBrowserClose === undefined ? {} : { expireAtBrowserClose }),
  }
  // What is wrong shows now, not with the first visitor.
  fillSessionOptions(given)
  return given
}

function touchAfterOption(value: number | undefined, saveEveryRequest: boolean): number | undefined {
  if (value === undefined) return undefined
  const seconds = numberOption('touchAfter', value, 0, { least: 0, most: LONGEST_TOUCH, unit: 'seconds' })
  return saveEveryRequest
    ? seconds
    : refuse('touchAfter', value, 'to be absent without saveEveryRequest: true')
}

function valuesOption(secret: string | readonly string[] | undefined): CookieValues {
  if (secret === undefined) return UNSIGNED
  const [first, ...older]: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (!isSecret(first) || !older.every(isSecret)) {
    throw new TypeError(
      'option "secret" is not what it should be, and is not shown; expected a text, or an array of texts, none of them empty',
    )
  }
  return signedValues([first, ...older])
}

function isSecret(secret: unknown): secret is string {
  return typeof secret === 'string' && secret !== ''
}
