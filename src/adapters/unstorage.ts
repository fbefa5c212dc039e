import type { Driver } from 'unstorage'
import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { numberOption, refuse } from '../option-checks.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { rawOfItem, storedRaw, storedValue, valueOfItem } from './unstorage-items.js'

export type { AdapterOptions } from './adapter-engine.js'

/** Options of {@link coatcheckDriver}. */
export type CoatcheckDriverOptions = AdapterOptions & {
  /** What all keys in the engine begin with, so that others may use it, too. Default none. */
  base?: string
  /**
   * Seconds that an item lives which brings no `ttl` of its own; `Infinity` for a hundred years. Default: the engine's
   * `maxAge`.
   */
  ttl?: number
}

/** A driver with all that this one can do. */
export type CoatcheckDriver = Driver<CoatcheckDriverOptions, SessionEngine<object>> &
  Required<
    Pick<
      Driver,
      'setItem' | 'setItemRaw' | 'getItemRaw' | 'removeItem' | 'getMeta' | 'clear' | 'dispose' | 'getInstance'
    >
  >

/** Items that are deleted at a time. */
const DELETIONS_AT_ONCE = 256

/**
 * A driver for unstorage.
 *
 * Every method rejects with the engine's own errors; what is not there is `null`. docs/unstorage.md tells it in full.
 *
 * @throws {TypeError} for a wrong option, naming it, its value and what was expected
 * @example
 * const storage = createStorage({ driver: coatcheckDriver({ directory: './items' }) })
 * await storage.setItem('user:42', { name: 'Ada' }, { ttl: 3600 })
 */
export function coatcheckDriver(options: CoatcheckDriverOptions): CoatcheckDriver {
  const { base, ttl, ...engineOptions } = checked(options)
  const source = new AdapterEngine(engineOptions)
  const { engine } = source
  const prefix = base === '' ? '' : `${base}:`
  const lifeOf = (transaction?: Transaction): Expiry | undefined => {
    const seconds = transaction?.ttl || ttl
    return seconds === undefined ? undefined : { maxAge: seconds }
  }
  return {
    name: 'coatcheck',
    options,
    flags: { ttl: true },
    getInstance: () => engine,
    hasItem: (key) => engine.exists(prefix + key),
    getItem: async (key) => valueOfItem(await engine.load(prefix + key)) as string | null,
    getItemRaw: async (key) => rawOfItem(await engine.load(prefix + key)),
    setItem: (key, value, transaction) => engine.save(prefix + key, storedValue(value), lifeOf(transaction)),
    setItemRaw: (key, value, transaction) => engine.save(prefix + key, storedRaw(value), lifeOf(transaction)),
    removeItem: (key) => engine.delete(prefix + key),
    async getMeta(key) {
      const found = await engine.loadWithExpiry(prefix + key)
      if (found === undefined) return null
      const { expires } = found
      return { expires, ttl: Math.ceil((expires.getTime() - Date.now()) / 1000) }
    },
    async getKeys(within) {
      const keys: string[] = []
      for await (const key of keysBelow(engine, prefix + (within ?? ''))) keys.push(key.slice(prefix.length))
      return keys
    },
    async clear(within) {
      const start = prefix + (within ?? '')
      // At once, and also where names are digests that nobody can list.
      if (start === '') await engine.clear()
      else await deleteBelow(engine, start)
    },
    dispose: () => source.close(),
  }
}

/** What a call may bring. */
interface Transaction {
  readonly ttl?: number
}

function checked(
  options: CoatcheckDriverOptions,
): AdapterOptions & { base: string; ttl: number | undefined } {
  if (typeof options !== 'object' || options === null) refuse('options', options, 'an object of options')
  const { base = '', ttl, ...engineOptions } = options
  if (typeof base !== 'string') refuse('base', base, 'a string that keys begin with')
  const seconds =
    ttl === undefined
      ? undefined
      : numberOption('ttl', ttl, 0, { least: 1, most: Number.POSITIVE_INFINITY, unit: 'seconds' })
  return { ...engineOptions, base: base.replace(/:+$/, ''), ttl: seconds }
}

async function* keysBelow(engine: SessionEngine<object>, start: string): AsyncGenerator<string> {
  for await (const key of engine.keys()) {
    // A mount point itself, the empty key, is no item.
    if (key.length > start.length && key.startsWith(start)) yield key
  }
}

async function deleteBelow(engine: SessionEngine<object>, start: string): Promise<void> {
  let keys: string[] = []
  const deleteThese = async (): Promise<void> => {
    await Promise.all(keys.map((key) => engine.delete(key)))
    keys = []
  }
  for await (const key of keysBelow(engine, start)) {
    if (keys.push(key) === DELETIONS_AT_ONCE) await deleteThese()
  }
  await deleteThese()
}
