import { systemError, type Walk, type WalkKind, type WalkSlice } from '../protocol/index.js'
import { RECORD_HEADER } from '../record/record.js'
import { keyOf, nameOf } from './key-names.js'
import type { Link } from './link.js'
import type { Records } from './records.js'
import { adviceFor, isTrouble, type Reply, type Words } from './replies.js'
import { DELETE, inFull, SWAP } from './scripts.js'
import type { ServerLinks } from './server-links.js'

/** Keys that a server is to look at for one slice: a millisecond or less of its time. */
const SLICE_KEYS = 1000

/** Options of {@link ServerWalk}. */
export interface ServerWalkOptions {
  readonly masters: readonly ServerLinks[]
  readonly prefix: string
  readonly records: Records
  /** Milliseconds that one slice may take. */
  readonly timeout: number
}

type Counted = Pick<WalkSlice, 'live' | 'resealed' | 'refused'>

/**
 * Walks through the keys of all masters, a piece of one at a time (`SCAN`). What is there from beginning to end is met; where a
 * server makes its table smaller meanwhile, some of it twice.
 */
export class ServerWalk implements Walk {
  readonly #options: ServerWalkOptions
  readonly #kind: WalkKind
  readonly #left: ServerLinks[]
  #cursor = '0'

  constructor(kind: WalkKind, options: ServerWalkOptions) {
    this.#options = options
    this.#kind = kind
    this.#left = [...options.masters]
  }

  async next(): Promise<WalkSlice> {
    const { timeout, prefix } = this.#options
    const link = this.#left[0]?.next
    // The server removes what has expired by itself.
    if (link === undefined || this.#kind === 'sweep') return { ...EMPTY, done: true }
    const deadline = performance.now() + timeout
    const scan: Words = [
      'SCAN',
      this.#cursor,
      'MATCH',
      `${prefix}*`,
      'COUNT',
      `${SLICE_KEYS}`,
      'TYPE',
      'string',
    ]
    const [reply = null] = await link.send([scan], deadline)
    if (isTrouble(reply)) throw systemError(reply.code, 'SCAN', adviceFor(reply.code))
    const [cursor, names] = reply as readonly [Buffer, readonly Buffer[]]
    const keys = names.flatMap((name) => keyOf(name, prefix) ?? [])
    const counted = await this.#visit(link, keys, deadline)
    this.#cursor = cursor.toString('latin1')
    if (this.#cursor === '0') this.#left.shift()
    return {
      ...EMPTY,
      ...counted,
      keys: this.#kind === 'keys' ? keys : [],
      scanned: names.length,
      done: this.#left.length === 0,
    }
  }

  end(): void {
    this.#left.length = 0
  }

  async #visit(link: Link, keys: readonly string[], deadline: number): Promise<Counted> {
    switch (this.#kind) {
      case 'clear':
        return { ...NOTHING, live: await this.#clear(link, keys, deadline) }
      case 'reseal':
        return this.#reseal(link, keys, deadline)
      default:
        return { ...NOTHING, live: keys.length }
    }
  }

  /** One key each: two keys may be of two slots. */
  async #clear(link: Link, keys: readonly string[], deadline: number): Promise<number> {
    const { prefix } = this.#options
    const replies = await sendScripts(
      link,
      keys.map((key) => DELETE.words(nameOf(key, prefix))),
      deadline,
    )
    const trouble = replies.find(isTrouble)
    if (trouble !== undefined) throw systemError(trouble.code, 'UNLINK', adviceFor(trouble.code))
    return replies.filter((reply) => reply === 1).length
  }

  async #reseal(link: Link, keys: readonly string[], deadline: number): Promise<Counted> {
    const { prefix, records } = this.#options
    const values = await link.send(
      keys.map((key) => ['GET', nameOf(key, prefix)]),
      deadline,
    )
    const refused: WalkSlice['refused'] = []
    const refuse = (reason: string): void => void refused.push({ reason, keptAs: undefined })
    const swaps: Words[] = []
    for (const [index, key] of keys.entries()) {
      const value = values[index] ?? null
      if (isTrouble(value)) refuse(`could not be sealed anew: ${value.code}`)
      if (!Buffer.isBuffer(value)) continue
      const sealed = records.reseal(value, key)
      if (typeof sealed === 'string') refuse(sealed)
      else if (sealed !== undefined)
        swaps.push(SWAP.words(nameOf(key, prefix), value.subarray(0, RECORD_HEADER), sealed, 'KEEPTTL'))
    }
    const replies = await sendScripts(link, swaps, deadline)
    for (const reply of replies) if (isTrouble(reply)) refuse(`could not be sealed anew: ${reply.code}`)
    return { live: 0, resealed: replies.filter((reply) => reply === 1).length, refused }
  }
}

async function sendScripts(link: Link, commands: readonly Words[], deadline: number): Promise<Reply[]> {
  const replies = await link.send(commands, deadline)
  const isUnknown = (reply: Reply | undefined): boolean =>
    reply !== undefined && isTrouble(reply) && reply.code === 'NOSCRIPT'
  if (!replies.some(isUnknown)) return replies
  const again = await link.send(
    commands.filter((_, index) => isUnknown(replies[index])).map(inFull),
    deadline,
  )
  return replies.map((reply) => (isUnknown(reply) ? (again.shift() ?? null) : reply))
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
