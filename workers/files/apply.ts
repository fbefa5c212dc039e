import { existsSync } from 'node:fs'
import {
  describeFailure,
  hasCode,
  type KeyDigest,
  Opcode,
  ReplyWriter,
  RequestReader,
  Status,
} from '../protocol/index.js'
import { underClaimIfPossible } from './claim.js'
import { closeAnyway } from './close.js'
import type { Layout, Place } from './layout.js'
import { livenessOfPlace } from './liveness.js'
import { type Corrupt, readPlace } from './load.js'
import type { FilesWorkerOptions } from './options.js'
import { putInPlace, type SaveContext, save } from './save-protocol.js'
import { hasWriteId, isAlien, isSame, setAside } from './set-aside.js'
import { syncDirectory } from './sync-directory.js'
import { syncWritten, type Version, type Written, writeTemporary } from './temporary.js'
import type { Tombstones } from './tombstones.js'
import { touch } from './touch.js'
import { unlinkIfPresent } from './unlink.js'

/** So many files are open at once, at the most, while they wait for their common sync. */
const SYNC_GROUP = 64

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
        if (version === undefined) this.#applySmall(request, place, reply, context, group)
        else if (group === undefined) reply.status(slot, save(context, version))
        else group.add(slot, version)
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
    return touch(context, { place, key: request.key(), expiry: request.expiry }, this.#tombstones)
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
        if (this.#options.exclusive) removeAlone(place)
        else this.#tombstones.bury(this.#layout, place)
    }
    group?.touched(slot, place.directory)
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

/** Where nobody else writes; but a sweep of ours may have taken the session out of its place, to seal it anew. */
function removeAlone(place: Place): void {
  if (place.format.reseal === undefined) unlinkIfPresent(place.file)
  else underClaimIfPossible(place, () => unlinkIfPresent(place.file))
}

/** The record to write for a slot; `undefined` for the rest. */
function versionOf(request: RequestReader, key: string | KeyDigest, place: Place): Version | undefined {
  const { opcode } = request
  if (opcode === Opcode.REPLACE) {
    // Before the record's header is written, which says nothing of it.
    const replaces = { key: request.key(), digest: request.expected() }
    return { ...place.format.compose(request, opcode, key, place), replaces }
  }
  if (opcode !== Opcode.SAVE && opcode !== Opcode.UPDATE && opcode !== Opcode.CREATE) return undefined
  return place.format.compose(request, opcode, key, place)
}

/**
 * The batch order under fsync: write all, sync all, rename all, sync each directory once. A record's bytes are on
 * the disk before its name is, so a power cut leaves the old version or the new one, never an empty file.
 */
class SyncGroup {
  readonly #context: SaveContext
  readonly #reply: ReplyWriter
  readonly #written: { readonly slot: number; readonly written: Written }[] = []
  readonly #touched = new Map<string, number[]>()

  constructor(context: SaveContext, reply: ReplyWriter) {
    this.#context = context
    this.#reply = reply
  }

  /** Writes a version to its temporary file; it is put in place with the others. */
  add(slot: number, version: Version): void {
    if (this.#written.length === SYNC_GROUP) this.#commit()
    this.#written.push({ slot, written: this.#write(version) })
  }

  /** A directory changed for this slot: it is not done before the directory is synced. */
  touched(slot: number, directory: string): void {
    const slots = this.#touched.get(directory)
    if (slots === undefined) this.#touched.set(directory, [slot])
    else slots.push(slot)
  }

  /** Puts everything in place and syncs the directories. */
  finish(): void {
    this.#commit()
    for (const [directory, slots] of this.#touched) {
      try {
        syncDirectory(directory)
      } catch (error) {
        for (const slot of slots) this.#reply.fail(describeFailure(slot, error))
      }
    }
    if (this.#context.layout.sharded && this.#touched.size > 0) this.#syncRoot()
  }

  /** Directories of the sharded layout may be new; the root is synced until each has been seen once. */
  #syncRoot(): void {
    const { root } = this.#context.layout
    const unseen = [...this.#touched.keys()].filter((directory) => !rooted.has(directory))
    if (unseen.length === 0) return
    try {
      syncDirectory(root)
      for (const directory of unseen) rooted.add(directory)
    } catch (error) {
      for (const directory of unseen) {
        for (const slot of this.#touched.get(directory) ?? []) this.#reply.fail(describeFailure(slot, error))
      }
    }
  }

  #write(version: Version): Written {
    try {
      return writeTemporary(this.#context.layout, version)
    } catch (error) {
      if (this.#written.length === 0 || !hasCode(error, 'EMFILE', 'ENFILE')) throw error
      // Short of descriptors because of those that we hold ourselves: let go of them first.
      this.#commit()
      return writeTemporary(this.#context.layout, version)
    }
  }

  #commit(): void {
    const synced = this.#written.splice(0).filter(({ slot, written }) => this.#sync(slot, written))
    for (const { slot, written } of synced) {
      try {
        this.#reply.status(slot, putInPlace(this.#context, written))
        this.touched(slot, written.version.place.directory)
      } catch (error) {
        this.#reply.fail(describeFailure(slot, error))
      }
    }
  }

  #sync(slot: number, written: Written): boolean {
    try {
      syncWritten(written)
      return true
    } catch (error) {
      this.#reply.fail(describeFailure(slot, error))
      return false
    } finally {
      // Whoever puts one in place needs descriptors of his own: this group holds none then.
      closeAnyway(written.descriptor)
    }
  }
}

/** Directories whose own entry in the root is known to be on the disk. */
const rooted = new Set<string>()
