import { Opcode, type PayloadPlace } from '../../workers/protocol/index.js'
import { asAsked } from './asked-session.js'
import { type Asked, opcodeFor } from './caller.js'
import type { HotSessions } from './hot-sessions.js'
import type { Payloads } from './payloads.js'

/** Options of {@link HotAnswers}. */
export interface HotAnswersOptions {
  readonly hot: HotSessions
  readonly payloads: Payloads
  /** Whether something that was accepted has yet to be done before what may be said of this key now. */
  readonly isPending: (key: string, hash: number) => boolean
}

/**
 * Answers readers by what the event loop remembers: without a worker, and whatever else is waiting.
 *
 * Answers are told all at once when a turn of the event loop is over, and not one by one: whoever waits for them then goes
 * on in company, which costs a server a third less than one request after the other, each through code that has just left
 * the processor's caches. And a loop of loads lets the event loop turn.
 */
export class HotAnswers {
  readonly #options: HotAnswersOptions
  /** Who is to be told what, at the same places. */
  #readers: ((answer: unknown) => void)[] = []
  #answers: unknown[] = []

  constructor(options: HotAnswersOptions) {
    this.#options = options
  }

  /** Takes a reader in; `undefined` when a worker has to be asked, as for everything but readers. */
  ask(asked: Asked, key: string, hash: number, now: number): Promise<unknown> | undefined {
    const opcode = opcodeFor(asked)
    if (opcode !== Opcode.LOAD && opcode !== Opcode.EXISTS) return undefined
    const { hot, isPending } = this.#options
    const found = hot.find(key, hash, now)
    if (found === undefined || isPending(key, hash)) return undefined
    const answer =
      opcode === Opcode.EXISTS ? true : asAsked(asked, found, (payload) => this.#decode(payload, found.codec))
    if (answer === undefined) return undefined
    if (this.#readers.length === 0) setImmediate(this.#tell)
    this.#answers.push(answer)
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  readonly #tell = (): void => {
    const readers = this.#readers
    const answers = this.#answers
    this.#readers = []
    this.#answers = []
    for (const [index, tell] of readers.entries()) tell(answers[index])
  }

  #decode(payload: PayloadPlace, codec: number): unknown {
    try {
      return this.#options.payloads.decode(payload, codec)
    } catch {
      // The worker is asked next: it knows which record it is that the codec refuses.
      return undefined
    }
  }
}
