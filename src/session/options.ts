import type { SessionEngine } from '../engine/session-engine.js'
import { booleanOption, checkNames, choiceOption, numberOption, refuse } from '../option-checks.js'
import { isSessionKey } from './keys.js'
import type { ConflictPolicy } from './policies/policy.js'

/** Options of {@link Session}. */
export interface SessionOptions {
  /** The engine that stores it. */
  engine: SessionEngine<object>
  /** From a client, untrusted: what can be no session key counts as none. */
  key?: string | undefined
  /** Default `'last-wins'`. */
  conflict?: ConflictPolicy
  /** Seconds that a session lives by default. Default two weeks, as in Django. */
  maxAge?: number
  /** Whether sessions end with the browser by default. Default false. */
  expireAtBrowserClose?: boolean
}

/** The same with every default filled in, and no key that can be none. */
export interface FilledSessionOptions {
  readonly engine: SessionEngine<object>
  readonly key: string | undefined
  readonly conflict: ConflictPolicy
  readonly maxAge: number
  readonly expireAtBrowserClose: boolean
}

const OPTIONS = ['engine', 'key', 'conflict', 'maxAge', 'expireAtBrowserClose']
const ENGINE_METHODS = [
  'create',
  'update',
  'replace',
  'touch',
  'load',
  'loadVersion',
  'exists',
  'delete',
] as const
const TWO_WEEKS = 1_209_600
/** A hundred years, as for engines. */
const LONGEST_AGE = 3_153_600_000

/**
 * Checks options and fills in defaults.
 * @throws {TypeError} naming the option, its value and what was expected; never for a key
 */
export function fillSessionOptions(options: SessionOptions): FilledSessionOptions {
  checkNames('options', options, OPTIONS)
  return {
    engine: checkedEngine(options.engine),
    key: isSessionKey(options.key) ? options.key : undefined,
    conflict: choiceOption('conflict', options.conflict, 'last-wins', ['last-wins', 'merge', 'reject']),
    maxAge: numberOption('maxAge', options.maxAge, TWO_WEEKS, {
      least: 1,
      most: LONGEST_AGE,
      unit: 'seconds',
    }),
    expireAtBrowserClose: booleanOption('expireAtBrowserClose', options.expireAtBrowserClose, false),
  }
}

function checkedEngine(engine: SessionEngine<object>): SessionEngine<object> {
  // By what it can do, not by its class: the application may have another copy of the package.
  const able =
    typeof engine === 'object' &&
    engine !== null &&
    ENGINE_METHODS.every((method) => typeof engine[method] === 'function')
  return able ? engine : refuse('engine', engine, 'a SessionEngine')
}
