import { describeFailure, type Failure, hasCode, type ReplyWriter, type Status } from '../protocol/index.js'
import { closeAnyway } from './close.js'
import { rooted } from './rooted.js'
import { putInPlace, type SaveContext, save } from './save-protocol.js'
import { syncDirectory } from './sync-directory.js'
import { syncWritten, type Version, type Written, writeTemporary } from './temporary.js'

/** So many files are open at once, at the most, while they wait for their common sync. */
const SYNC_GROUP = 64

/**
 * The batch order under fsync: write all, sync all, rename all, sync each directory once. A record's bytes are on
 * the disk before its name is, so a power cut leaves the old version or the new one, never an empty file.
 */
export class SyncGroup {
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
    const { layout } = this.#context
    const written = this.withDescriptors(() => writeTemporary(layout, version))
    this.#written.push({ slot, written })
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
    const unseen = [...this.#touched].filter(([directory]) => !rooted.has(directory))
    if (unseen.length === 0) return
    try {
      syncDirectory(root)
      for (const [directory] of unseen) rooted.add(directory)
    } catch (error) {
      for (const [, slots] of unseen) {
        for (const slot of slots) this.#reply.fail(describeFailure(slot, error))
      }
    }
  }

  /**
   * Runs what needs descriptors. When they are short because of those that are held here, these are let go of first, and
   * it runs again: so it must not have changed anything when it fails for want of a descriptor.
   */
  withDescriptors<Result>(task: () => Result): Result {
    try {
      return task()
    } catch (error) {
      if (this.#written.length === 0 || !hasCode(error, 'EMFILE', 'ENFILE')) throw error
      this.letGo()
      return task()
    }
  }

  /** Puts in place what has been written so far, and holds no descriptor any more. */
  letGo(): void {
    this.#commit()
  }

  #commit(): void {
    const synced = this.#written.splice(0).filter(({ slot, written }) => this.#sync(slot, written))
    for (const { slot, written } of synced) {
      try {
        this.#reply.status(slot, this.#putInPlace(written))
        this.touched(slot, written.version.place.directory)
      } catch (error) {
        this.#reply.fail(describeFailure(slot, error))
      }
    }
  }

  #putInPlace(written: Written): Status {
    try {
      return putInPlace(this.#context, written)
    } catch (error) {
      // As in `save`: what was written has been removed.
      if (!hasCode(error, 'ENOENT')) throw error
      return save(this.#context, written.version)
    }
  }

  #sync(slot: number, written: Written): boolean {
    let failure: Failure | undefined
    try {
      syncWritten(written)
    } catch (error) {
      failure = describeFailure(slot, error)
    }
    // Whoever puts one in place needs descriptors of his own: this group holds none then.
    closeAnyway(written.descriptor)
    if (failure !== undefined) this.#reply.fail(failure)
    return failure === undefined
  }
}
