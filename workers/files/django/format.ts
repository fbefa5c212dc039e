import { futimesSync, type Stats } from 'node:fs'
import { type RequestReader, systemError } from '../../protocol/index.js'
import type { RecordContent } from '../../record/record.js'
import { lookInto } from '../peek.js'
import { readWhole } from '../read-whole.js'
import {
  type ComposedVersion,
  LARGER_THAN_ANY,
  type NameScheme,
  type NewExpiry,
  type Peeked,
  type RecordFormat,
  type RecordPlace,
  type RecordStanding,
  type StoredRecord,
  type WriteOpcode,
} from '../record-format.js'
import { DJANGO_CODEC, DJANGO_KEY, type DjangoFormatOptions } from './options.js'
import { type ExpiryRule, expiryOf, fileTimeFor, ownExpiry } from './session-expiry.js'
import { longestSigned, mayBeSound, Signing, type Unsigned } from './signing.js'

/** What Django's `mkstemp` makes beside a session's file. */
const TEMPORARY = /^[a-z0-9]+_out_[a-z0-9_]+$/

/** What every pickle of Django's begins with, and no JSON. */
const PICKLE = 0x80
const PICKLED = 'pickled, not JSON'

/** Keys are names, as they are. */
const NAMES: NameScheme = {
  encode(key) {
    // The engine has refused it long before; no key that could leave the directory may come further than this.
    if (!DJANGO_KEY.test(key)) throw systemError('EINVAL', 'open', 'no session key of Django')
    return key
  },
  decode: (name) => (DJANGO_KEY.test(name) ? { key: name } : undefined),
  isTemporary: (name) => TEMPORARY.test(name),
}

/** Bounds that the files storage sets. */
export interface DjangoFormatLimits {
  readonly maxRecordBytes: number
  /** Milliseconds after which an empty file is not one that Django is about to fill. */
  readonly placeholderLife: number
}

/**
 * Sessions as Django's file backend keeps them: a signed text and nothing else. It has no room for a header, so whoever
 * wants to know whether a session has expired reads it, whole; and nothing tells a create's file from an update's.
 */
export class DjangoFormat implements RecordFormat {
  readonly names = NAMES
  readonly placeholderLife: number
  readonly hasHeader = false
  readonly #maxRecordBytes: number
  readonly #signing: Signing
  readonly #rule: ExpiryRule

  constructor({ secrets, salt, ...rule }: DjangoFormatOptions, limits: DjangoFormatLimits) {
    this.#signing = new Signing({ secrets, salt })
    this.#rule = rule
    this.#maxRecordBytes = limits.maxRecordBytes
    this.placeholderLife = limits.placeholderLife
  }

  longest(maxRecordBytes: number): number {
    return longestSigned(maxRecordBytes)
  }

  compose<Where extends RecordPlace, What extends WriteOpcode>(
    request: RequestReader,
    opcode: What,
    _key: string,
    place: Where,
  ): ComposedVersion<Where, What> {
    const { payloadStart, payloadLength, expiry, writeId } = request
    const json = request.bytes.subarray(payloadStart, payloadStart + payloadLength)
    const now = Date.now()
    const bytes = this.#signing.sign(json, now)
    const fileTime = fileTimeFor(expiry, ownExpiry(json), this.#rule, now)
    const retried = request.attempt > 0
    return { opcode, place, bytes, start: 0, end: bytes.length, expiry, fileTime, writeId, retried }
  }

  composeAlone(_key: string, _place: RecordPlace, { payload }: RecordContent): Buffer {
    return this.#signing.sign(Buffer.from(payload), Date.now())
  }

  /**
   * No write id is kept: a live session of the same content is taken for the same save when its file has the same time, too.
   * A session that says itself when it ends is given the moment of each attempt: its time tells nothing.
   */
  isOwn({ place, bytes, start, end, fileTime }: ComposedVersion): boolean {
    const opened = this.#open(place.file)
    const own = this.#unsign(bytes.subarray(start, end))
    if (opened === undefined || typeof opened.unsigned === 'string' || typeof own === 'string') return false
    const { unsigned, stats } = opened
    if (!unsigned.json.equals(own.json) || this.#expiry(unsigned, stats.mtimeMs) <= Date.now()) return false
    return ownExpiry(own.json) !== undefined || Math.abs(stats.mtimeMs - fileTime) <= 1
  }

  read(bytes: Buffer, fileTime: number): StoredRecord | string {
    const unsigned = this.#unsign(bytes)
    if (typeof unsigned === 'string') return unsigned
    return {
      ...traitsOf(unsigned),
      expiry: this.#expiry(unsigned, fileTime),
      codec: DJANGO_CODEC,
      key: undefined,
      payload: unsigned.json,
    }
  }

  /** Signed by nobody we know, pickled, or too large for us: to another site, or to Django itself, it is a session. */
  isForeign(reason: string): boolean {
    return reason === LARGER_THAN_ANY || reason === PICKLED || mayBeSound(reason)
  }

  peek(file: string): Peeked | undefined {
    const opened = this.#open(file)
    if (opened === undefined || typeof opened.unsigned === 'string') return undefined
    return { header: traitsOf(opened.unsigned), expiry: this.#expiry(opened.unsigned, opened.stats.mtimeMs) }
  }

  /** What is in the session may end its life before. */
  isAliveByTime(): boolean {
    return false
  }

  /** What is broken in spite of a good signature may be looked at for as long as a session that says nothing would live. */
  standing(_stats: Stats, file: string, now: number): RecordStanding {
    const opened = this.#open(file)
    if (opened === undefined) return 'dead'
    const { unsigned, stats } = opened
    if (typeof unsigned !== 'string') return this.#expiry(unsigned, stats.mtimeMs) > now ? 'alive' : 'dead'
    return this.isForeign(unsigned) || expiryOf(undefined, stats.mtimeMs, this.#rule) > now
      ? 'foreign'
      : 'dead'
  }

  moveExpiry(descriptor: number, stats: Stats, { expiry }: NewExpiry, now: number): number | undefined {
    const unsigned = this.#unsignFile(descriptor, stats)
    if (typeof unsigned === 'string') return undefined
    const own = ownExpiry(unsigned.json)
    const before = expiryOf(own, stats.mtimeMs, this.#rule)
    if (before <= now) return undefined
    const fileTime = fileTimeFor(expiry, own, this.#rule, now)
    futimesSync(descriptor, fileTime / 1000, fileTime / 1000)
    return before
  }

  #expiry({ json }: Unsigned, fileTime: number): number {
    return expiryOf(ownExpiry(json), fileTime, this.#rule)
  }

  /** `undefined` when there is no regular file, or an empty one. */
  #open(file: string): { readonly stats: Stats; readonly unsigned: Unsigned | string } | undefined {
    return lookInto(file, (descriptor, stats) =>
      stats.size === 0 ? undefined : { stats, unsigned: this.#unsignFile(descriptor, stats) },
    )
  }

  #unsignFile(descriptor: number, { size }: Stats): Unsigned | string {
    if (size > this.longest(this.#maxRecordBytes)) return LARGER_THAN_ANY
    return this.#unsign(readWhole(descriptor, size))
  }

  #unsign(text: Buffer): Unsigned | string {
    const unsigned = this.#signing.unsign(text, this.#maxRecordBytes)
    return typeof unsigned !== 'string' && unsigned.json[0] === PICKLE ? PICKLED : unsigned
  }
}

/** Every record may be an update's: one that stands where a session has just been deleted goes, too. */
function traitsOf({ fingerprint }: Unsigned): Peeked['header'] {
  return { keyLength: undefined, keyIncluded: false, writeId: fingerprint, writtenByUpdate: true }
}
