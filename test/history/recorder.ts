import { openSync, writeSync } from 'node:fs'
import {
  ConflictError,
  CreateError,
  type Expiry,
  type SessionEngine,
  type SessionVersion,
  StorageError,
  UpdateError,
} from 'coatcheck'
import { type CallLine, FAILED, type ToldLine } from './messages.js'
import { type Call, DONE, livingText, NOTHING, valueText } from './model.js'
import { MOST_LIVES } from './workload.js'

interface Stored {
  readonly value: number
  readonly text: string
}

const LIFE = 60_000
const OVER = new Date(1_000_000_000)

/** Calls an engine, and writes down what was called and told, and when: whatever becomes of the process, that stays. */
export class Recorder {
  readonly #engine: SessionEngine
  readonly #descriptor: number
  readonly #livesFrom: number
  /** What each value of a key was told to be called. */
  readonly #versions = new Map<string, Map<number, SessionVersion>>()
  #lastId = 0

  constructor(engine: SessionEngine, log: string, livesFrom: number) {
    this.#engine = engine
    this.#descriptor = openSync(log, 'a')
    this.#livesFrom = livesFrom
  }

  /** So many have been called. */
  get called(): number {
    return this.#lastId
  }

  /** Values of a key that can be replaced, the latest last. */
  known(key: string): readonly number[] {
    return [...(this.#versions.get(key)?.keys() ?? [])]
  }

  async call(key: string, call: Call): Promise<void> {
    const id = ++this.#lastId
    const deadBefore = this.#deaths
    const connectedBefore = this.#reconnects
    const line: CallLine = { id, key, call, began: String(process.hrtime.bigint()) }
    this.#write(line)
    const told = await this.#told(key, call)
    const ended = String(process.hrtime.bigint())
    const answer: ToldLine = {
      id,
      told,
      ended,
      deaths: this.#deaths - deadBefore,
      reconnects: this.#reconnects - connectedBefore,
    }
    this.#write(answer)
  }

  get #deaths(): number {
    return this.#engine.stats().workers.restarts
  }

  get #reconnects(): number {
    return this.#engine.stats().connections?.reconnects ?? 0
  }

  /** The kernel has it when this returns. */
  #write(line: CallLine | ToldLine): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
  }

  async #told(key: string, call: Call): Promise<string> {
    try {
      return await this.#perform(key, call)
    } catch (error) {
      if (error instanceof StorageError) return `${FAILED}${error.errno}`
      if (error instanceof CreateError || error instanceof UpdateError || error instanceof ConflictError)
        return error.name
      // The model knows of no such answer.
      return `unexpected ${error}`
    }
  }

  async #perform(key: string, call: Call): Promise<string> {
    const engine = this.#engine
    switch (call.kind) {
      case 'create':
      case 'update':
      case 'save':
        await engine[call.kind](key, sessionOf(call.value), this.#expiry(call.life))
        return DONE
      case 'replace': {
        const version = this.#versions.get(key)?.get(call.expected) ?? ''
        const stored = await engine.replace(key, sessionOf(call.value), version, this.#expiry(call.life))
        this.#know(key, call.value, stored)
        return DONE
      }
      case 'touch':
        return String(await engine.touch(key, this.#expiry(call.life)))
      case 'delete':
        await engine.delete(key)
        return DONE
      case 'exists':
        return String(await engine.exists(key))
      case 'load':
        return textOf(await engine.load(key))
      case 'loadVersion': {
        const found = await engine.loadVersion(key)
        if (found !== undefined) this.#know(key, (found.session as unknown as Stored).value, found.version)
        return textOf(found?.session)
      }
      case 'loadWithExpiry': {
        const found = await engine.loadWithExpiry(key)
        return found === undefined ? NOTHING : this.#livingTextOf(found)
      }
    }
  }

  #expiry(life: number): Expiry {
    return { expires: life === 0 ? OVER : new Date(this.#livesFrom + life * LIFE) }
  }

  #livingTextOf({ session, expires }: { readonly session: object; readonly expires: Date }): string {
    const life = (expires.getTime() - this.#livesFrom) / LIFE
    if (!Number.isInteger(life) || life < 1 || life > MOST_LIVES)
      return `torn expiry ${expires.toISOString()}`
    const text = textOf(session)
    return text.startsWith('torn') ? text : livingText((session as Stored).value, life)
  }

  #know(key: string, value: number, version: SessionVersion): void {
    const versions = this.#versions.get(key) ?? new Map<number, SessionVersion>()
    this.#versions.set(key, versions)
    versions.delete(value)
    versions.set(value, version)
  }
}

/** Of some size, all of which says which value it is. */
function sessionOf(value: number): Record<string, unknown> {
  return { value, text: `${value} `.repeat(1 + (value % 200)) }
}

function textOf(session: object | undefined): string {
  if (session === undefined) return NOTHING
  const { value, text } = session as Stored
  return text === sessionOf(value).text ? valueText(value) : `torn ${JSON.stringify(session).slice(0, 100)}`
}
