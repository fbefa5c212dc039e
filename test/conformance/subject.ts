import {
  type Codec,
  type SealOptions,
  SessionEngine,
  type SessionEngineOptions,
  type StorageDescription,
} from 'coatcheck'
import type { Test } from 'uvu'

/** A storage to be tested. */
export interface StorageSubject {
  readonly name: string
  readonly threads: number
  /** Whether two engines may have the same storage open at once. */
  readonly shared: boolean
  /** The codec of its engines; the engine's own when absent. */
  readonly codec?: Codec
  /** What its engines seal with; nothing when absent. */
  readonly seal?: SealOptions
  /** Whether any string can be a key, and not only one of a-z and 0-9. */
  readonly anyKeys: boolean
  /** A new, empty storage. Every description of it names the same one, so that two engines can share it. */
  makeStorage(): { readonly storage: StorageDescription; readonly cleanup: () => void | Promise<void> }
}

/** What the tests of one storage have at hand. */
export interface StorageContext {
  /** An engine that all tests of the suite use, each with keys of its own. */
  engine: SessionEngine
  /**
   * Another engine on the same storage, which knows nothing of what the first one is about to do; the same one where a
   * storage has one engine at a time.
   */
  other: SessionEngine
  /** An engine on a storage where no test has left anything. */
  emptied: () => Promise<SessionEngine>
  /** An engine on a storage of its own, closed and cleaned up after the test. */
  fresh: (options?: Omit<SessionEngineOptions, 'storage'>) => SessionEngine
}

/** Opens engines around the tests of a suite. */
export function provideEngines(test: Test<StorageContext>, subject: StorageSubject): void {
  const cleanups: (() => void | Promise<void>)[] = []
  const cleanUp = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  }
  const closing = new Set<SessionEngine>()
  const shared = subject.makeStorage()
  const apart = subject.makeStorage()
  const make = (storage: StorageDescription, options: Omit<SessionEngineOptions, 'storage'> = {}) =>
    new SessionEngine({
      storage,
      threads: subject.threads,
      sweepInterval: false,
      ...optionsOf(subject),
      ...options,
    })

  test.before((context) => {
    context.engine = make(shared.storage)
    context.other = subject.shared ? make(shared.storage) : context.engine
    context.fresh = (options) => {
      const { storage, cleanup } = subject.makeStorage()
      const engine = make(storage, options)
      cleanups.push(cleanup, () => engine.close())
      return engine
    }
    const emptied = make(apart.storage)
    context.emptied = async () => {
      await emptied.clear()
      return emptied
    }
    closing.add(context.engine).add(context.other).add(emptied)
  })
  test.after.each(cleanUp)
  test.after(async () => {
    await Promise.all([...closing].map((engine) => engine.close()))
    await shared.cleanup()
    await apart.cleanup()
  })
}

/** What its engines have to be given besides. */
export function optionsOf({ codec, seal }: StorageSubject): Pick<SessionEngineOptions, 'codec' | 'seal'> {
  return { ...(codec === undefined ? {} : { codec }), ...(seal === undefined ? {} : { seal }) }
}

let counter = 0

/** A key that no other test uses. */
export function freshKey(): string {
  return `key${process.pid}x${counter++}`
}

/** Collects what an engine streams. */
export async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = []
  for await (const key of keys) collected.push(key)
  return collected.sort()
}
