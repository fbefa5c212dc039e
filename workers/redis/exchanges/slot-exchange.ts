import type { CorruptNotice, ReplyWriter, Status } from '../../protocol/index.js'
import { isSameWrite, type WriteId } from '../../record/write-id.js'
import type { RedisKey } from '../key-names.js'
import type { Records } from '../records.js'
import type { Reply, Words } from '../replies.js'
import type { Exchange } from './exchange.js'

/** What exchanges have in common. */
export interface ExchangeContext {
  readonly records: Records
  readonly prefix: string
  readonly reply: ReplyWriter
}

/** Which slot it is about. */
export interface Slot {
  readonly slot: number
  readonly session: string
  readonly key: RedisKey
  /** A worker that has died may have done it. */
  readonly tried: boolean
}

/** What a write is to store. */
export interface NewRecord {
  readonly value: Buffer
  readonly writeId: WriteId
  /** Milliseconds since the epoch. */
  readonly expiry: number
}

/** The longest that a session is told to live, in milliseconds: a server's clock has no year past 292 million. */
const LONGEST_LIFE = 2 ** 47

/** Milliseconds from now, as whole ones; 0 or less where it is over. */
export function lifeUntil(expiry: number): number {
  return Math.min(Math.ceil(expiry - Date.now()), LONGEST_LIFE)
}

/** The same as a server is told it. What is over by now lives for a moment: it has been decided that it is stored. */
export function lifeOf({ expiry }: Pick<NewRecord, 'expiry'>): string {
  return `${Math.max(1, lifeUntil(expiry))}`
}

/** What all exchanges do alike. */
export abstract class SlotExchange implements Exchange {
  readonly slot: number
  readonly key: RedisKey
  abstract readonly writes: boolean
  protected readonly session: string
  protected readonly context: ExchangeContext
  isHearsay = false
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

  /** A write that changes nothing of a session that was just stored, so that replicas can be asked about it on this connection. */
  protected renewal(write: NewRecord): readonly Words[] {
    return [['PEXPIRE', this.key, lifeOf(write)]]
  }

  protected tell(notice: CorruptNotice): void {
    this.context.reply.corrupt(notice)
  }
}

/** The bytes of an answer; `null` where there are none. */
export function bytesOf(reply: Reply | undefined): Buffer | null {
  return Buffer.isBuffer(reply) ? reply : null
}
