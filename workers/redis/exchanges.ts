import { randomBytes } from 'node:crypto'
import {
  type CorruptNotice,
  Opcode,
  payloadDigest,
  type ReplyWriter,
  type RequestReader,
  Status,
} from '../protocol/index.js'
import { composeExpiry, EXPIRY_OFFSET, RECORD_HEADER, type ReadRecord } from '../record/record.js'
import { isSameWrite, type WriteId } from '../record/write-id.js'
import type { Exchange } from './exchange.js'
import { nameOf, type RedisKey } from './key-names.js'
import { MAGIC, type Records } from './records.js'
import type { Reply, Words } from './replies.js'
import { DELETE, REMOVE, SET_ASIDE, SWAP, TOUCH } from './scripts.js'

/** The longest that a session is told to live, in milliseconds: a server's clock has no year past 292 million. */
const LONGEST_LIFE = 2 ** 47

/** What exchanges have in common. */
export interface ExchangeContext {
  readonly records: Records
  readonly prefix: string
  readonly reply: ReplyWriter
}

/** What is to be said for the current slot of a batch. */
export function exchangeFor(request: RequestReader, context: ExchangeContext): Exchange {
  const { opcode } = request
  const session = request.key()
  const slot: Slot = {
    slot: request.index,
    session,
    key: nameOf(session, context.prefix),
    tried: request.attempt > 0,
  }
  const life = Math.min(Math.ceil(request.expiry - Date.now()), LONGEST_LIFE)
  switch (opcode) {
    case Opcode.LOAD:
      return new Load(slot, context)
    case Opcode.EXISTS:
      return new Look(slot, context)
    case Opcode.DELETE:
      return new Removal(slot, context, Status.DONE)
    case Opcode.TOUCH:
      return life > 0
        ? new Touch(slot, context, request.expiry, life)
        : new Removal(slot, context, Status.ABSENT)
    case Opcode.SET_ASIDE:
      return new Aside(slot, context, request.writeId)
    case Opcode.REPLACE: {
      const expected = Buffer.from(request.expected())
      const write = {
        value: context.records.compose(request, opcode, session),
        writeId: request.writeId,
        life,
      }
      return new Replacement(slot, context, write, expected)
    }
    case Opcode.CREATE:
      if (life <= 0) return new Look(slot, context, Status.CONFLICT)
      return new Creation(slot, context, writeOf(request, context, session, life))
    case Opcode.UPDATE:
      if (life <= 0) return new Removal(slot, context, Status.ABSENT)
      return new Write(slot, context, writeOf(request, context, session, life), ['XX'])
    case Opcode.SAVE:
      if (life <= 0) return new Removal(slot, context, Status.DONE)
      return new Write(slot, context, writeOf(request, context, session, life), [])
    default:
      throw new RangeError(`unknown opcode ${opcode}`)
  }
}

interface Slot {
  readonly slot: number
  readonly session: string
  readonly key: RedisKey
  /** A worker that has died may have done it. */
  readonly tried: boolean
}

interface NewRecord {
  readonly value: Buffer
  readonly writeId: WriteId
  /** Milliseconds. */
  readonly life: number
}

function writeOf(
  request: RequestReader,
  { records }: ExchangeContext,
  session: string,
  life: number,
): NewRecord {
  const { writeId } = request
  return { value: records.compose(request, request.opcode, session), writeId, life }
}

abstract class SlotExchange implements Exchange {
  readonly slot: number
  readonly key: RedisKey
  abstract readonly writes: boolean
  protected readonly session: string
  protected readonly context: ExchangeContext
  /** The server may have done it before. */
  protected tried: boolean

  constructor({ slot, key, session, tried }: Slot, context: ExchangeContext) {
    this.slot = slot
    this.key = key
    this.session = session
    this.tried = tried
    this.context = context
  }

  begin(isRetry: boolean): readonly Words[] {
    this.tried ||= isRetry
    return this.commands()
  }

  abstract take(replies: readonly Reply[]): readonly Words[] | undefined
  protected abstract commands(): readonly Words[]

  protected done(status: Status): undefined {
    this.context.reply.status(this.slot, status)
  }

  /** Whether what stands there is what this very operation has put there. */
  protected isOwn(value: Reply | undefined, writeId: WriteId): boolean {
    const found = this.context.records.read(bytesOf(value), this.session)
    return found.kind === 'record' && isSameWrite(found.record.writeId, writeId)
  }

  protected tell(notice: CorruptNotice): void {
    this.context.reply.corrupt(notice)
  }
}

/**
 * `SET … GET`, so that it fails where a value of another type stands. What stood there comes back with it, which is of use to
 * creations alone; on one machine it costs nothing that could be measured.
 */
class Write extends SlotExchange {
  readonly writes = true
  protected readonly write: NewRecord
  readonly #condition: readonly string[]

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord, condition: readonly string[]) {
    super(slot, context)
    this.write = write
    this.#condition = condition
  }

  protected commands(): readonly Words[] {
    const { value, life } = this.write
    return [['SET', this.key, value, 'PX', `${life}`, ...this.#condition, 'GET']]
  }

  take([former]: readonly Reply[]): undefined {
    return this.done(this.#condition.length > 0 && former === null ? Status.ABSENT : Status.DONE)
  }
}

class Creation extends Write {
  constructor(slot: Slot, context: ExchangeContext, write: NewRecord) {
    super(slot, context, write, ['NX'])
  }

  override take([former]: readonly Reply[]): undefined {
    if (former === null) return this.done(Status.DONE)
    return this.done(this.tried && this.isOwn(former, this.write.writeId) ? Status.DONE : Status.CONFLICT)
  }
}

class Touch extends SlotExchange {
  readonly writes = true
  readonly #expiry: Buffer
  readonly #life: number

  constructor(slot: Slot, context: ExchangeContext, expiry: number, life: number) {
    super(slot, context)
    this.#expiry = Buffer.from(composeExpiry(expiry))
    this.#life = life
  }

  protected commands(): readonly Words[] {
    return [TOUCH.words(this.key, `${this.#life}`, this.#expiry, `${EXPIRY_OFFSET}`, MAGIC)]
  }

  take([sessions]: readonly Reply[]): undefined {
    return this.done(sessions === 0 ? Status.ABSENT : Status.DONE)
  }
}

/** A delete, and whatever leaves nothing behind because it is over at once. */
class Removal extends SlotExchange {
  readonly writes = true
  readonly #otherwise: Status

  /** @param otherwise What it is told where there was no session. */
  constructor(slot: Slot, context: ExchangeContext, otherwise: Status) {
    super(slot, context)
    this.#otherwise = otherwise
  }

  protected commands(): readonly Words[] {
    return [DELETE.words(this.key)]
  }

  take([sessions]: readonly Reply[]): undefined {
    // Where it was tried before, that may have been what took it away.
    return this.done(sessions === 0 && !this.tried ? this.#otherwise : Status.DONE)
  }
}

class Look extends SlotExchange {
  readonly writes = false
  readonly #whereThere: Status
  readonly #whereNot: Status

  /** @param whereThere What it is told where there is a session: of a creation that is over at once, that it comes too late. */
  constructor(slot: Slot, context: ExchangeContext, whereThere?: Status) {
    super(slot, context)
    this.#whereThere = whereThere ?? Status.DONE
    this.#whereNot = whereThere === undefined ? Status.ABSENT : Status.DONE
  }

  protected commands(): readonly Words[] {
    return [['STRLEN', this.key]]
  }

  take([length]: readonly Reply[]): undefined {
    return this.done(length === 0 ? this.#whereNot : this.#whereThere)
  }
}

class Load extends SlotExchange {
  readonly writes = false
  /** Where a damaged record is just being set aside. */
  #damage: { readonly reason: string; readonly keptAs: string } | undefined

  protected commands(): readonly Words[] {
    this.#damage = undefined
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#damage !== undefined) {
      // Somebody has put something else there meanwhile: that is not looked at any more.
      this.tell({ reason: this.#damage.reason, keptAs: reply === 1 ? this.#damage.keptAs : undefined })
      return this.done(Status.ABSENT)
    }
    const value = bytesOf(reply)
    const found = this.context.records.read(value, this.session)
    if (found.kind === 'record') return this.#found(found.record)
    this.done(Status.ABSENT)
    if (value === null || found.kind === 'absent') return undefined
    const aside = found.kind === 'damaged' ? asideName(this.key) : undefined
    if (aside === undefined) {
      this.tell({ reason: found.reason, keptAs: undefined })
      return undefined
    }
    this.#damage = { reason: found.reason, keptAs: aside.suffix }
    return [SET_ASIDE.words(this.key, value, aside.name)]
  }

  /** Its end stands in it, to the millisecond; the server may have another clock. */
  #found({ expiry, codec, writeId, payload }: ReadRecord): undefined {
    if (expiry <= Date.now()) return this.done(Status.ABSENT)
    this.context.reply.record({ slot: this.slot, expiry, codec, writeId }, payload)
  }
}

/** Moves a record whose payload the codec refused out of the way. */
class Aside extends SlotExchange {
  readonly writes = true
  readonly #writeId: WriteId
  #keptAs: string | undefined

  constructor(slot: Slot, context: ExchangeContext, writeId: WriteId) {
    super(slot, context)
    this.#writeId = writeId
  }

  protected commands(): readonly Words[] {
    this.#keptAs = undefined
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#keptAs !== undefined) {
      if (reply === 1) this.tell({ reason: REFUSED, keptAs: this.#keptAs })
      return undefined
    }
    const value = bytesOf(reply)
    if (value === null || !this.isOwn(value, this.#writeId)) return undefined
    const aside = asideName(this.key)
    if (aside === undefined) {
      this.tell({ reason: REFUSED, keptAs: undefined })
      return undefined
    }
    this.#keptAs = aside.suffix
    return [SET_ASIDE.words(this.key, value.subarray(0, RECORD_HEADER), aside.name)]
  }
}

const REFUSED = 'the codec refused the payload'

/** A key of the same slot: what stands in its braces is what the slot is made of. Where that cannot be, there is none. */
function asideName(key: RedisKey): { readonly name: RedisKey; readonly suffix: string } | undefined {
  const text = typeof key === 'string' ? key : key.toString('latin1')
  if (/[{}]/.test(text)) return undefined
  const suffix = `corrupt-${randomBytes(12).toString('hex')}`
  if (typeof key === 'string') return { name: `{${key}}.${suffix}`, suffix }
  return { name: Buffer.concat([Buffer.from('{'), key, Buffer.from(`}.${suffix}`)]), suffix }
}

/** Looks at what is there, then swaps just that for the new record; looks again where something else is there by then. */
class Replacement extends SlotExchange {
  readonly writes = true
  readonly #write: NewRecord
  readonly #expected: Buffer
  #swapping = false

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord, expected: Buffer) {
    super(slot, context)
    this.#write = write
    this.#expected = expected
  }

  protected commands(): readonly Words[] {
    this.#swapping = false
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#swapping) return reply === 1 ? this.done(Status.DONE) : this.commands()
    const value = bytesOf(reply)
    const found = this.context.records.read(value, this.session)
    if (value === null || found.kind !== 'record') return this.done(Status.ABSENT)
    const { writeId, payload } = found.record
    if (isSameWrite(writeId, this.#write.writeId)) return this.done(Status.DONE)
    if (!payloadDigest(payload).equals(this.#expected)) return this.done(Status.SUPERSEDED)
    this.#swapping = true
    const standing = value.subarray(0, RECORD_HEADER)
    const { value: next, life } = this.#write
    return [life > 0 ? SWAP.words(this.key, standing, next, `${life}`) : REMOVE.words(this.key, standing)]
  }
}

function bytesOf(reply: Reply | undefined): Buffer | null {
  return Buffer.isBuffer(reply) ? reply : null
}
