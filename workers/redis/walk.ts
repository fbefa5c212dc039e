import {
  type ConnectionTally,
  ReplyWriter,
  Status,
  systemError,
  type Walk,
  type WalkKind,
  type WalkSlice,
} from '../protocol/index.js'
import { pause } from './backoff.js'
import { converse } from './conversation.js'
import { Resealing } from './exchanges/resealing.js'
import type { Slot } from './exchanges/slot-exchange.js'
import { Removal } from './exchanges/writes.js'
import { keyOf, nameOf } from './key-names.js'
import type { ReplicaAcknowledgement } from './options.js'
import type { Records } from './records.js'
import {
  adviceFor,
  isPassing,
  isTrouble,
  NOBODY,
  type Refusal,
  type Unanswered,
  type Words,
} from './replies.js'
import type { ServerLinks } from './server-links.js'
import type { Servers } from './servers.js'

/** Keys that a server is to look at for one slice: a millisecond or less of its time. */
const SLICE_KEYS = 1000

/** Options of {@link ServerWalk}. */
export interface ServerWalkOptions {
  readonly servers: Servers
  readonly prefix: string
  readonly records: Records
  readonly tally: ConnectionTally
  readonly acknowledge: ReplicaAcknowledgement | undefined
  /** Milliseconds that one slice may take. */
  readonly timeout: number
}

type Counted = Pick<WalkSlice, 'live' | 'resealed' | 'refused'>

/** A part of what a server has, and where the next one begins. */
interface Piece {
  readonly names: readonly Buffer[]
  readonly cursor: string
}

/**
 * Walks through the keys of all masters, a piece of one at a time (`SCAN`). What is there from beginning to end is met; where a
 * server makes its table smaller meanwhile, some of it twice.
 *
 * A cursor is worth nothing to any server but the one that gave it: where that was started anew, or another one has taken over, the walk
 * begins once more. One that lists or counts would give everything twice, and gives up instead.
 */
export class ServerWalk implements Walk {
  readonly #options: ServerWalkOptions
  readonly #kind: WalkKind
  #left: ServerLinks[] = []
  #cursor = '0'
  /** Whose cursor it is. */
  #server: string | undefined
  /** What was known of who has what when it began. */
  #changes = 0
  #hasBegun = false
  #hasGiven = false

  constructor(kind: WalkKind, options: ServerWalkOptions) {
    this.#options = options
    this.#kind = kind
  }

  async next(): Promise<WalkSlice> {
    const { timeout, prefix } = this.#options
    // The server removes what has expired by itself.
    if (this.#kind === 'sweep') return { ...EMPTY, done: true }
    const deadline = performance.now() + timeout
    if (!this.#hasBegun) {
      // What this thread knows may be from its last walk.
      await this.#options.servers.refresh(deadline)
      this.#begin()
    }
    const { names, cursor } = await this.#scan(deadline)
    const keys = names.flatMap((name) => keyOf(name, prefix) ?? [])
    const counted = await this.#visit(keys, deadline)
    this.#hasGiven = true
    this.#cursor = cursor
    if (cursor === '0') this.#left.shift()
    return {
      ...EMPTY,
      ...counted,
      keys: this.#kind === 'keys' ? keys : [],
      scanned: names.length,
      done: this.#left.length === 0 && !(await this.#hasMissedSome(deadline)),
    }
  }

  end(): void {
    this.#left.length = 0
  }

  #begin(): void {
    const { servers } = this.#options
    this.#hasBegun = true
    this.#left = [...servers.masters()]
    this.#cursor = '0'
    this.#changes = servers.changes
  }

  /** Once more from the beginning, where that gives nothing twice. */
  #beginAgain(): void {
    if (this.#hasGiven && !this.#isRepeatable)
      throw systemError(
        'WALK_LOST',
        'SCAN',
        'the server was started anew or another one took over: list once more',
      )
    this.#begin()
  }

  get #isRepeatable(): boolean {
    return this.#kind === 'clear' || this.#kind === 'reseal'
  }

  async #scan(deadline: number): Promise<Piece> {
    const { prefix, servers, tally } = this.#options
    for (let failures = 0; ; ) {
      const scan: Words = ['SCAN', this.#cursor, 'MATCH', `${prefix}*`]
      const limits = ['COUNT', `${SLICE_KEYS}`, 'TYPE', 'string']
      const [links] = this.#left
      const link = links?.next
      const [reply = NOBODY] = (await link?.send([[...scan, ...limits]], deadline)) ?? []
      if (!isTrouble(reply)) {
        // The connection that brought the answer: a lost one has none to bring.
        const isHis = this.#cursor === '0' || link?.server === this.#server
        this.#server = link?.server
        const [cursor, names] = reply as readonly [Buffer, readonly Buffer[]]
        if (isHis) return { cursor: cursor.toString('latin1'), names }
        this.#beginAgain()
        continue
      }
      if (!isPassing(reply) || performance.now() >= deadline) throw failureOf(reply, 'SCAN')
      tally.retried(1)
      await servers.refresh(deadline)
      const masters = servers.masters()
      if (masters.length > 0 && (links === undefined || !masters.includes(links))) this.#beginAgain()
      await pause(failures++, deadline)
    }
  }

  async #visit(keys: readonly string[], deadline: number): Promise<Counted> {
    if (!this.#isRepeatable) return { ...NOTHING, live: keys.length }
    const { prefix, records, servers, tally, acknowledge } = this.#options
    const reply = new ReplyWriter(keys.length)
    const exchanges = keys.map((session, index) => {
      const slot: Slot = { slot: index, session, key: nameOf(session, prefix), tried: false }
      const context = { records, prefix, reply }
      return this.#kind === 'clear' ? new Removal(slot, context, Status.ABSENT) : new Resealing(slot, context)
    })
    await converse(exchanges, { servers, reply, tally, deadline, acknowledge })
    const done = exchanges.filter(({ slot }) => reply.isDone(slot)).length
    const { failures, corrupt } = reply.report
    const [failure] = failures
    if (this.#kind === 'reseal') {
      const refused = failures.map(({ code }) => ({
        reason: `could not be sealed anew: ${code}`,
        keptAs: undefined,
      }))
      return { live: 0, resealed: done, refused: [...corrupt, ...refused] }
    }
    if (failure !== undefined) throw systemError(failure.code, 'UNLINK', adviceFor(failure.code))
    return { ...NOTHING, live: done }
  }

  /** Keys may have moved from a server that was to come to one that had been visited. Then it is all walked through again. */
  async #hasMissedSome(deadline: number): Promise<boolean> {
    if (!this.#isRepeatable) return false
    const { servers } = this.#options
    await servers.refresh(deadline)
    if (servers.changes === this.#changes) return false
    this.#begin()
    return true
  }
}

function failureOf({ code }: Refusal | Unanswered, syscall: string): Error {
  return systemError(code, syscall, adviceFor(code))
}

const NOTHING: Counted = { live: 0, resealed: 0, refused: [] }
const EMPTY: WalkSlice = {
  ...NOTHING,
  done: false,
  keys: [],
  scanned: 0,
  expired: 0,
  orphans: 0,
  corrupt: [],
}
