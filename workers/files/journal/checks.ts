import { Opcode, type ReplyWriter, type RequestReader, Status } from '../../protocol/index.js'
import { isSameWrite } from '../../record/write-id.js'
import { endedOrNot } from '../ended-or-not.js'
import type { Layout, Place } from '../layout.js'
import { type Liveness, livenessOfPlace } from '../liveness.js'
import { readPlace } from '../load.js'
import { peekHeader } from '../peek.js'
import type { StoredRecord } from '../record-format.js'
import { isMeant } from '../replace.js'
import { isSame, setAside } from '../set-aside.js'
import { Tombstones } from '../tombstones.js'
import { touch } from '../touch.js'
import { keepAside } from './keep-aside.js'
import type { NewestVersions } from './newest.js'

const NONE = -1

/**
 * What becomes of an operation, by what the journal knows of its key and, where that is nothing, by the session's file:
 * the exclusive-open checks of `direct`, in the order memory, disk.
 */
export class Checks {
  readonly #newest: NewestVersions
  readonly #layout: Layout
  readonly #fsync: boolean
  readonly #maxRecordBytes: number
  readonly #tombstones = new Tombstones()

  constructor(
    newest: NewestVersions,
    layout: Layout,
    { fsync, maxRecordBytes }: { readonly fsync: boolean; readonly maxRecordBytes: number },
  ) {
    this.#newest = newest
    this.#layout = layout
    this.#fsync = fsync
    this.#maxRecordBytes = maxRecordBytes
  }

  /** Whether the current slot has to be journaled. If not, its outcome is in the reply. */
  decide(request: RequestReader, reply: ReplyWriter, now: number): boolean {
    const { opcode, index } = request
    if (opcode === Opcode.SAVE) return true
    if (opcode === Opcode.VOID) return false
    const entry = this.#newest.find(request)
    const inMemory = entry !== NONE
    switch (opcode) {
      case Opcode.LOAD:
        if (!inMemory) reply.status(index, Status.IN_FILE)
        else if (this.#newest.isLive(entry, now)) this.#tell(entry, index, reply)
        else reply.status(index, Status.ABSENT)
        return false
      case Opcode.EXISTS:
        if (!inMemory) reply.status(index, Status.IN_FILE)
        else if (!this.#newest.isLive(entry, now)) reply.status(index, Status.ABSENT)
        return false
      case Opcode.UPDATE: {
        const live = inMemory ? this.#newest.isLive(entry, now) : this.#isAlive(request, now)
        // It may have expired since a worker that has died did it.
        if (!live && this.#isOwn(request, entry)) return false
        return this.#orAbsent(live, request, reply, now)
      }
      case Opcode.TOUCH: {
        const live = inMemory ? this.#newest.isLive(entry, now) : this.#touchFile(request, now)
        return this.#orAbsent(live, request, reply, now)
      }
      case Opcode.REPLACE:
        return this.#mayReplace(request, entry, reply, now)
      case Opcode.CREATE:
        return this.#mayCreate(request, entry, reply, now)
      case Opcode.DELETE:
        return entry !== NONE || this.#liveness(request, now) !== 'absent'
      case Opcode.SET_ASIDE:
        return this.#setAside(request, entry, reply)
      default:
        throw new RangeError(`unknown opcode ${opcode}`)
    }
  }

  #tell(entry: number, slot: number, reply: ReplyWriter): void {
    const newest = this.#newest
    reply.record(
      { slot, expiry: newest.expiry(entry), codec: newest.codec(entry), writeId: newest.writeId(entry) },
      newest.payload(entry),
    )
  }

  #orAbsent(live: boolean, request: RequestReader, reply: ReplyWriter, now: number): boolean {
    if (live) return true
    if (request.attempt > 0 && request.expiry <= now) throw endedOrNot()
    reply.status(request.index, Status.ABSENT)
    return false
  }

  #mayCreate(request: RequestReader, entry: number, reply: ReplyWriter, now: number): boolean {
    const taken = entry === NONE ? this.#isTaken(request, now) : this.#newest.isLive(entry, now)
    if (!taken) return true
    // An earlier worker may have journaled this very create before it died.
    if (!this.#isOwn(request, entry)) reply.status(request.index, Status.CONFLICT)
    return false
  }

  /** Whether what stands there, be it over or not, was stored by an earlier worker for this very operation. */
  #isOwn(request: RequestReader, entry: number): boolean {
    return request.attempt > 0 && isSameWrite(this.#standingId(request, entry), request.writeId)
  }

  #standingId(request: RequestReader, entry: number): readonly [number, number] | undefined {
    return entry === NONE
      ? peekHeader(this.#placeOf(request).file)?.header.writeId
      : this.#newest.writeId(entry)
  }

  /** Makes a save of the slot when it may replace what is there. Nobody else writes here, so what is found is certain. */
  #mayReplace(request: RequestReader, entry: number, reply: ReplyWriter, now: number): boolean {
    // A worker that has died had done it.
    if (this.#isOwn(request, entry)) return false
    const standing = this.#standing(request, entry, reply, now)
    if (standing === undefined) return this.#orAbsent(false, request, reply, now)
    if (!isMeant(standing.payload, request.expected())) {
      reply.status(request.index, Status.SUPERSEDED)
      return false
    }
    request.bytes[request.offset + 4] = Opcode.SAVE
    return true
  }

  /** The live session of a key, wherever it is. */
  #standing(
    request: RequestReader,
    entry: number,
    reply: ReplyWriter,
    now: number,
  ): Pick<StoredRecord, 'payload' | 'writeId'> | undefined {
    const newest = this.#newest
    if (entry !== NONE) {
      if (!newest.isLive(entry, now)) return undefined
      return { payload: newest.payload(entry), writeId: newest.writeId(entry) }
    }
    const place = this.#placeOf(request)
    const found = readPlace(place, request.key(), this.#maxRecordBytes, now)
    if (found.kind === 'record') return found.record
    if (found.kind === 'corrupt')
      reply.corrupt(setAside(this.#layout, place, found.reason, isSame(found.seen)))
    return undefined
  }

  /**
   * Moves the file's times, for good: loads and the sweep go by them. It is journaled all the same, since an older version
   * may still be in the journal, and be read back. One to the past becomes a delete.
   */
  #touchFile(request: RequestReader, now: number): boolean {
    if (request.expiry <= now) {
      request.bytes[request.offset + 4] = Opcode.DELETE
      return this.#isAlive(request, now)
    }
    const place = this.#placeOf(request)
    const context = { layout: this.#layout, fsync: this.#fsync }
    return (
      touch(
        context,
        { place, key: request.key(), expiry: request.expiry, retried: false },
        this.#tombstones,
      ) === Status.DONE
    )
  }

  /** Keeps what the codec refused, and makes a delete of the slot. */
  #setAside(request: RequestReader, entry: number, reply: ReplyWriter): boolean {
    if (entry === NONE) {
      reply.status(request.index, Status.IN_FILE)
      return false
    }
    const newest = this.#newest
    // Replaced meanwhile: nothing to be done.
    if (newest.opcode(entry) !== Opcode.SAVE || !isSameWrite(newest.writeId(entry), request.writeId))
      return false
    const place = this.#placeOf(request)
    const record = place.format.composeAlone(request.key(), place, {
      payload: newest.payload(entry),
      expiry: newest.expiry(entry),
      writeId: newest.writeId(entry),
      codec: newest.codec(entry),
      writtenByUpdate: false,
    })
    reply.corrupt(keepAside(this.#layout, place, 'the codec refused the payload', record))
    request.bytes[request.offset + 4] = Opcode.DELETE
    return true
  }

  #isAlive(request: RequestReader, now: number): boolean {
    return this.#liveness(request, now) === 'alive'
  }

  /** Also by what others have the key to: nobody but a save takes its place. */
  #isTaken(request: RequestReader, now: number): boolean {
    const standing = this.#liveness(request, now)
    return standing === 'alive' || standing === 'foreign'
  }

  #liveness(request: RequestReader, now: number): Liveness {
    return livenessOfPlace(this.#placeOf(request), now)
  }

  #placeOf(request: RequestReader): Place {
    return this.#layout.place(request.key(), request.hash)
  }
}
