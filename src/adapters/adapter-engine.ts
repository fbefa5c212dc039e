import { ENGINE_OPTIONS, type SessionEngineOptions } from '../engine/options.js'
import { SessionEngine } from '../engine/session-engine.js'
import { checkNames, refuse, withoutText } from '../option-checks.js'

/** What an adapter is made from: an engine that others may use, too, or the options of one of its own. */
export type AdapterOptions =
  | {
      /** An engine that several adapters may share; who made it closes it. */
      engine: SessionEngine<object>
    }
  | (SessionEngineOptions & { engine?: undefined })

const ENGINE_METHODS = [
  'create',
  'save',
  'update',
  'touch',
  'load',
  'loadWithExpiry',
  'exists',
  'delete',
  'keys',
  'count',
  'clear',
] as const

/** The engine that an adapter works with, and whether it is the adapter's to close. */
export class AdapterEngine {
  readonly engine: SessionEngine<object>
  readonly #own: boolean

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: AdapterOptions) {
    checkNames('options', options, ['engine', ...ENGINE_OPTIONS])
    const { engine, ...engineOptions } = options
    this.#own = engine === undefined
    this.engine =
      engine === undefined ? new SessionEngine<object>(engineOptions) : checkedEngine(engine, engineOptions)
  }

  /** Closes an engine of the adapter's own; a shared one stays open. */
  async close(options?: { timeout?: number }): Promise<void> {
    if (this.#own) await this.engine.close(options)
  }
}

function checkedEngine(engine: SessionEngine<object>, others: object): SessionEngine<object> {
  // By what it can do, not by its class: the application may have another copy of the package.
  const able =
    typeof engine === 'object' &&
    engine !== null &&
    ENGINE_METHODS.every((method) => typeof engine[method] === 'function')
  if (!able) refuse('engine', engine, 'a SessionEngine')
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) refuse(name, withoutText(value), 'to be absent where engine is given')
  }
  return engine
}
