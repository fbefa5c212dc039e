import type { Expiry, SessionEngine } from 'coatcheck'

/** One step of a random run: an operation on one of few keys, or a pause that lets the engine work. */
export type Step =
  | {
      readonly kind: 'create' | 'update' | 'save'
      readonly key: number
      readonly size: number
      readonly dead: boolean
    }
  | { readonly kind: 'touch'; readonly key: number; readonly dead: boolean }
  | { readonly kind: 'load' | 'exists' | 'delete'; readonly key: number }
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
  #version = 0

  /** Issues a step to the engine and to the model. */
  issue(
    engine: SessionEngine,
    step: Exclude<Step, { readonly kind: `await ${string}` | 'turn' | 'microtask' }>,
  ): Issued {
    const expected = this.#expected(step)
    const actual = call(engine, step, this.#version).catch((error: unknown) =>
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

  #expected(step: Parameters<Model['issue']>[1]): unknown {
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
        this.#sessions.set(key, { session: sessionOf(this.#version, step.size), alive: !step.dead })
        return undefined
      case 'touch':
        if (live !== undefined) this.#sessions.set(key, { ...live, alive: !step.dead })
        return live !== undefined
      case 'load':
        return live?.session
      case 'exists':
        return live !== undefined
      case 'delete':
        this.#sessions.delete(key)
        return undefined
    }
  }
}

function call(engine: SessionEngine, step: Parameters<Model['issue']>[1], version: number): Promise<unknown> {
  switch (step.kind) {
    case 'clear':
      return engine.clear()
    case 'create':
    case 'update':
    case 'save':
      return engine[step.kind](keyOf(step.key), sessionOf(version, step.size), step.dead ? DEAD : ALIVE)
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
