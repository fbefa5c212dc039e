import { resolve } from 'node:path'
import { checkNames, kindOf, numberOption, refuse, refuseUnseen } from '../../option-checks.js'
import { mostSourceBytes } from '../most-bytes.js'

/** Options of {@link djangoSource}: settings of the Django project. */
export interface DjangoOptions {
  /** SESSION_FILE_PATH. */
  path: string
  /** SECRET_KEY. */
  secretKey: string
  /** SECRET_KEY_FALLBACKS: older secrets, which sessions may still be signed with. Default none. */
  fallbackKeys?: readonly string[]
  /** SESSION_COOKIE_NAME, which the names of its files begin with. Default `'sessionid'`. */
  cookieName?: string
  /** SESSION_COOKIE_AGE: seconds that a session lives which does not say so itself. Default two weeks. */
  cookieAge?: number
  /** As in the engine that sessions are moved to: `files({ maxRecordBytes })`. Default 1 MiB. */
  maxRecordBytes?: number
}

/** The same with every default filled in, and all secrets in one list. */
export interface FilledOptions {
  readonly path: string
  readonly secrets: readonly string[]
  readonly cookieName: string
  /** Milliseconds. */
  readonly cookieAge: number
  /** The largest file, and the largest session before it was compressed. */
  readonly mostBytes: number
}

/**
 * Checks options and fills in defaults.
 * @throws {TypeError} naming the option and what was expected; secrets are not shown
 */
export function fillOptions(options: DjangoOptions): FilledOptions {
  checkNames('options', options, [
    'path',
    'secretKey',
    'fallbackKeys',
    'cookieName',
    'cookieAge',
    'maxRecordBytes',
  ])
  const { path, secretKey, fallbackKeys = [], cookieName = 'sessionid' } = options
  if (typeof path !== 'string' || path === '') refuse('path', path, 'the path of a directory')
  if (typeof cookieName !== 'string' || cookieName === '') {
    refuse('cookieName', cookieName, 'what file names begin with')
  }
  if (!Array.isArray(fallbackKeys)) refuseUnseen('fallbackKeys', kindOf(fallbackKeys), 'a list of secrets')
  checkSecret('secretKey', secretKey)
  for (const key of fallbackKeys) checkSecret('fallbackKeys', key)
  const cookieAge = numberOption('cookieAge', options.cookieAge, 1_209_600, {
    least: 0,
    most: 3_153_600_000,
    unit: 'seconds',
  })
  return {
    path: resolve(path),
    secrets: [secretKey, ...fallbackKeys],
    cookieName,
    cookieAge: cookieAge * 1000,
    mostBytes: mostSourceBytes(options.maxRecordBytes),
  }
}

function checkSecret(option: string, secret: unknown): void {
  if (typeof secret === 'string' && secret !== '') return
  refuseUnseen(option, kindOf(secret), 'a text of at least one character')
}
