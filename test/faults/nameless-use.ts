import { CreateError, SessionEngine as Engine, files, json, type SessionEngine, UpdateError } from 'coatcheck'
import * as assert from 'uvu/assert'
import { sealedStorage } from '../fixtures/sealed-storage.js'

/** How an engine is set up that is to leave no key behind. */
export interface Setting {
  readonly durability: 'direct' | 'journal'
  readonly hashNames: boolean
  readonly sealed: boolean
}

/** What the child is given. */
export interface NamelessChildOptions {
  readonly settings: readonly (Setting & { readonly directory: string })[]
  /** Whether it closes, or waits to be killed. */
  readonly close: boolean
}

/** What is in every key, and in no name, file or program besides. */
export const IN_KEYS = 'findmequick'
/** What is in every session. */
export const IN_SESSIONS = 'lookmeupsoon'
/** Of several kinds: one that is its own file name, one with escapes, one too long for a name, one in UTF-16. */
export const KEYS = [
  `${IN_KEYS}0123456789abcdefghijk`,
  'FindMeQuick/Base64=Like',
  `${IN_KEYS}-${'l'.repeat(240)}`,
  `${IN_KEYS}-\u{1f36a}`,
]

/** An engine with such a setting; checkpoints come when they are asked for. */
export function engineOf({ durability, hashNames, sealed }: Setting, directory: string): SessionEngine {
  const journal = durability === 'journal' ? { durability, fsync: true, checkpointInterval: 3600 } : {}
  const plain = files({ directory, hashNames, ...journal })
  const storage = sealed ? sealedStorage(plain) : plain
  return new Engine({ storage, codec: json(), threads: 1, sweepInterval: false })
}

/** Everything that can be done to sessions, so that each of the keys has a live one at the end. */
export async function useAll(engine: SessionEngine): Promise<void> {
  for (const key of KEYS) {
    const gone = `${key.slice(0, 250)}x`
    await engine.save(gone, { IN_SESSIONS, version: 0 })
    await engine.update(gone, { IN_SESSIONS, version: 1 })
    await engine.touch(gone, { maxAge: 60 })
    await engine.delete(gone)
    await refused(engine.update(gone, {}), UpdateError)
    await engine.save(gone, { IN_SESSIONS })
    await engine.touch(gone, { expires: new Date(1) })
    assert.is(await engine.exists(gone), false)
    await engine.delete(key)
    await engine.create(key, { IN_SESSIONS, version: 2 })
    await refused(engine.create(key, {}), CreateError)
    const found = await engine.loadVersion(key)
    assert.ok(found)
    await engine.replace(key, { IN_SESSIONS, version: 3 }, found.version)
    await engine.touch(key, { maxAge: 3600 })
  }
}

async function refused(call: Promise<unknown>, kind: new () => Error): Promise<void> {
  const error = await call.catch((thrown: unknown) => thrown)
  assert.ok(error instanceof kind, `${error}`)
}
