import { type Expiry, msgpack, type SessionEngine, type SessionVersion } from 'coatcheck'
import { versionOf } from '#dist/src/engine/session-versions.js'

/** One step of a random run: an operation on one of few keys, or a pause that lets the engine work. */
export type Step =
  | {
      readonly kind: 'create' | 'update' | 'save'
      readonly key: number
      readonly size: number
      readonly dead: boolean
    }
  | { readonly kind: 'touch'; readonly key: number; readonly dead: boolean }
  /** `stale`: in the place of the session before the one that is stored. */
  | {
      readonly kind: 'replace'
      readonly key: number
      readonly size: number
      readonly dead: boolean
      readonly stale: boolean
    }
  | { readonly kind: 'load' | 'loadVersion' | 'exists' | 'delete'; readonly key: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'await last' | 'await all' | 'turn' | 'microtask' }

/** An operation that was issued: what it gave, and what it has to give. */
export interface Issued {
  readonly step: Step
  readonly expected: unknown
  readonly actual: Promise<unknown>
}

interface Stored {
  readonly session: object
  readonly alive: boolean
}

const ALIVE: Expiry = { maxAge: 3600 }
const DEAD: Expiry = { expires: new Date(1_000_000_000) }

/**
 * What a store is: a map, one operation at a time. Answers each operation at the moment it is issued; the engine, which
 * executes them later, in batches, in threads, coalesced, has to give the same answers.
 */
export class Model {
  readonly #sessions = new Map<string, Stored>()
  /** The last session of each key, whatever has become of it, and the one before it. */
  readonly #history = new Map<string, readonly [last: object, before: object]>()
  #version = 0

  /** Issues a step to the engine and to the model. */
  issue(
    engine: SessionEngine,
    step: Exclude<Step, { readonly kind: `await ${string}` | 'turn' | 'microtask' }>,
  ): Issued {
    const replaced = this.#replacedBy(step)
    const expected = this.#expected(step, replaced)
    const actual = call(engine, step, this.#version, replaced).catch((error: unknown) =>
      error instanceof Error ? error.constructor.name : error,
    )
    return { step, expected, actual }
  }

  /** What has to be stored in the end. */
  liveSessions(): Map<string, object> {
    const live = new Map<string, object>()
    for (const [key, { session, alive }] of this.#sessions) if (alive) live.set(key, session)
    return live
  }

  /** The version that a replace is to replace. */
  #replacedBy(step: Parameters<Model['issue']>[1]): SessionVersion {
    if (step.kind !== 'replace') return ''
    const [last, before] = this.#history.get(keyOf(step.key)) ?? [{}, {}]
    return versionOf(msgpack().encode(step.stale ? before : last))
  }

  #store(key: string, stored: Stored): void {
    this.#sessions.set(key, stored)
    this.#history.set(key, [stored.session, this.#history.get(key)?.[0] ?? {}])
  }

  #expected(step: Parameters<Model['issue']>[1], replaced: SessionVersion): unknown {
    if (step.kind === 'clear') return this.#sessions.clear()
    const key = keyOf(step.key)
    const stored = this.#sessions.get(key)
    const live = stored?.alive === true ? stored : undefined
    switch (step.kind) {
      case 'create':
      case 'update':
      case 'save':
        this.#version++
        if (step.kind === 'create' && live !== undefined) return 'CreateError'
        if (step.kind === 'update' && live === undefined) return 'UpdateError'
        this.#store(key, { session: sessionOf(this.#version, step.size), alive: !step.dead })
        return undefined
      case 'replace': {
        this.#version++
        if (live === undefined) return 'UpdateError'
        if (versionOf(msgpack().encode(live.session)) !== replaced) return 'ConflictError'
        const session = sessionOf(this.#version, step.size)
        this.#store(key, { session, alive: !step.dead })
        return versionOf(msgpack().encode(session))
      }
      case 'touch':
        if (live !== undefined) this.#sessions.set(key, { ...live, alive: !step.dead })
        return live !== undefined
      case 'load':
        return live?.session
      case 'loadVersion':
        return live && { session: live.session, version: versionOf(msgpack().encode(live.session)) }
      case 'exists':
        return live !== undefined
      case 'delete':
        this.#sessions.delete(key)
        return undefined
    }
  }
}

function call(
  engine: SessionEngine,
  step: Parameters<Model['issue']>[1],
  version: number,
  replaced: SessionVersion,
): Promise<unknown> {
  switch (step.kind) {
    case 'clear':
      return engine.clear()
    case 'create':
    case 'update':
    case 'save':
      return engine[step.kind](keyOf(step.key), sessionOf(version, step.size), step.dead ? DEAD : ALIVE)
    case 'replace':
      return engine.replace(
        keyOf(step.key),
        sessionOf(version, step.size),
        replaced,
        step.dead ? DEAD : ALIVE,
      )
    case 'touch':
      return engine.touch(keyOf(step.key), step.dead ? DEAD : ALIVE)
    default:
      return engine[step.kind](keyOf(step.key))
  }
}

function keyOf(index: number): string {
  return `key-${index}`
}

function sessionOf(version: number, size: number): Record<string, unknown> {
  return { version, padding: 'x'.repeat(size) }
}
