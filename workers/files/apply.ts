import { existsSync } from 'node:fs'
import {
  describeFailure,
  type KeyDigest,
  Opcode,
  ReplyWriter,
  RequestReader,
  Status,
} from '../protocol/index.js'
import { underClaimIfPossible } from './claim.js'
import type { Layout, Place } from './layout.js'
import { livenessOfPlace } from './liveness.js'
import { type Corrupt, readPlace } from './load.js'
import type { FilesWorkerOptions } from './options.js'
import { type SaveContext, save } from './save-protocol.js'
import { hasWriteId, isAlien, isSame, setAside } from './set-aside.js'
import { SyncGroup } from './sync-group.js'
import type { Version } from './temporary.js'
import type { Tombstones } from './tombstones.js'
import { touch } from './touch.js'
import { unlinkIfPresent } from './unlink.js'

/** Applies one batch after the other for one worker. */
export class BatchApplier {
  readonly #options: FilesWorkerOptions
  readonly #layout: Layout
  readonly #tombstones: Tombstones

  constructor(options: FilesWorkerOptions, layout: Layout, tombstones: Tombstones) {
    this.#options = options
    this.#layout = layout
    this.#tombstones = tombstones
  }

  /** Every slot gets its own outcome: one that fails does not touch the others. */
  apply(wire: ArrayBuffer): ArrayBuffer | null {
    const request = new RequestReader(wire)
    const reply = new ReplyWriter(request.slots)
    const told = new Set<string>()
    const context: SaveContext = {
      layout: this.#layout,
      fsync: this.#options.fsync,
      onAlien: (place) => this.#setAlienAside(place, told, reply),
      maxRecordBytes: this.#options.maxRecordBytes,
      onCorrupt: (place, found) => this.#setCorruptAside(place, found, reply),
    }
    const group = this.#options.fsync ? new SyncGroup(context, reply) : undefined
    while (request.next()) {
      const slot = request.index
      try {
        if (request.opcode === Opcode.VOID) continue
        const key = request.keyDigest() ?? request.key()
        const place = this.#layout.place(key, request.hash)
        const version = versionOf(request, key, place)
        if (version !== undefined) {
          if (group === undefined) reply.status(slot, save(context, version))
          else group.add(slot, version)
        } else if (group === undefined) this.#applySmall(request, place, reply, context, group)
        else group.withDescriptors(() => this.#applySmall(request, place, reply, context, group))
      } catch (error) {
        reply.fail(describeFailure(slot, error))
      }
    }
    group?.finish()
    this.#tombstones.collect()
    return reply.finish()
  }

  /** Tells of each once, however often a write finds that it is still there; whether it is gone. */
  #setAlienAside(place: Place, told: Set<string>, reply: ReplyWriter): boolean {
    const notice = setAside(this.#layout, place, 'no regular file', isAlien)
    const moved = notice.keptAs !== undefined
    if (moved || !told.has(place.file)) reply.corrupt(notice)
    told.add(place.file)
    return moved
  }

  /** The operations that write no record of their own. */
  #applySmall(
    request: RequestReader,
    place: Place,
    reply: ReplyWriter,
    context: SaveContext,
    group: SyncGroup | undefined,
  ): void {
    const slot = request.index
    switch (request.opcode) {
      case Opcode.LOAD:
        return this.#load(slot, request.key(), place, reply)
      case Opcode.EXISTS:
        return reply.status(
          slot,
          livenessOfPlace(place, Date.now()) === 'alive' ? Status.DONE : Status.ABSENT,
        )
      case Opcode.TOUCH:
        // One to the past is a delete, and must not fail for want of a descriptor when it has been done.
        if (request.expiry <= Date.now()) group?.letGo()
        return reply.status(slot, this.#touch(request, place, context))
      case Opcode.DELETE:
        return this.#delete(slot, place, context, group)
      case Opcode.SET_ASIDE:
        return reply.corrupt(
          setAside(
            this.#layout,
            place,
            'the codec refused the payload',
            hasWriteId(place.format, request.writeId),
          ),
        )
      default:
        throw new RangeError(`unknown opcode ${request.opcode}`)
    }
  }

  #touch(request: RequestReader, place: Place, context: SaveContext): Status {
    const retried = request.attempt > 0
    return touch(context, { place, key: request.key(), expiry: request.expiry, retried }, this.#tombstones)
  }

  #delete(slot: number, place: Place, context: SaveContext, group: SyncGroup | undefined): void {
    switch (livenessOfPlace(place, 0)) {
      case 'absent':
      case 'buried':
        // The one who took it away may not have come as far as to sync that.
        if (this.#options.exclusive && existsSync(place.directory)) break
        return
      case 'alien':
        context.onAlien(place)
        break
      default:
        this.#remove(place)
    }
    group?.touched(slot, place.directory)
  }

  /**
   * Where nobody else writes, no update can come late; but a sweep of ours goes beside this. It may have taken the session out
   * of its place, and put it back when it is not what was meant: so this, too, asks for the claim. Whoever seals anew would link a
   * session into a place that is empty, however long ago he lost his claim: a tombstone stands in his way.
   */
  #remove(place: Place): void {
    if (!this.#options.exclusive || place.format.reseal !== undefined)
      this.#tombstones.bury(this.#layout, place)
    else underClaimIfPossible(place, () => unlinkIfPresent(place.file))
  }

  #load(slot: number, key: string, place: Place, reply: ReplyWriter): void {
    const found = readPlace(place, key, this.#options.maxRecordBytes, Date.now())
    if (found.kind === 'record') {
      const { codec, writeId } = found.record
      // The reader's buffer is used again for the next file.
      reply.record({ slot, expiry: found.expiry, codec, writeId }, Buffer.from(found.record.payload))
      return
    }
    reply.status(slot, Status.ABSENT)
    if (found.kind === 'corrupt') this.#setCorruptAside(place, found, reply)
  }

  #setCorruptAside(place: Place, { reason, seen }: Corrupt, reply: ReplyWriter): void {
    reply.corrupt(setAside(this.#layout, place, reason, isSame(seen)))
  }
}

/** The record to write for a slot; `undefined` for the rest. */
function versionOf(request: RequestReader, key: string | KeyDigest, place: Place): Version | undefined {
  const { opcode } = request
  if (opcode === Opcode.REPLACE) {
    // Before the record's header is written, which says nothing of it.
    const replaces = { key: request.key(), digest: request.expected() }
    const { bytes, start, end, expiry, fileTime, writeId, retried } = place.format.compose(
      request,
      opcode,
      key,
      place,
    )
    return { opcode, place, bytes, start, end, expiry, fileTime, writeId, retried, replaces }
  }
  if (opcode !== Opcode.SAVE && opcode !== Opcode.UPDATE && opcode !== Opcode.CREATE) return undefined
  return place.format.compose(request, opcode, key, place)
}
