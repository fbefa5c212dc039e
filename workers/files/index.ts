import type { Walk, WalkKind, WorkerStorage } from '../protocol/index.js'
import { BatchApplier } from './apply.js'
import { Layout } from './layout.js'
import { nativeFormat } from './native-format.js'
import { openDirectory, refuseLink } from './open-directory.js'
import type { FilesWorkerOptions } from './options.js'
import type { RecordFormat } from './record-format.js'
import { Tombstones } from './tombstones.js'
import { visitFor } from './visit.js'
import { DirectoryWalk } from './walk.js'

/** The worker half of `files({ durability: 'direct' })`. */
class FilesStorage implements WorkerStorage {
  readonly #options: FilesWorkerOptions
  readonly #layout: Layout
  readonly #tombstones = new Tombstones()
  readonly #applier: BatchApplier

  constructor(options: FilesWorkerOptions, format: RecordFormat) {
    this.#options = options
    this.#layout = new Layout(options, format)
    this.#applier = new BatchApplier(options, this.#layout, this.#tombstones)
  }

  apply(wire: ArrayBuffer): ArrayBuffer | null {
    return this.#applier.apply(wire)
  }

  walk(kind: WalkKind): Walk {
    const { orphanGrace, maxRecordBytes, fsync } = this.#options
    this.#tombstones.collect()
    return new DirectoryWalk(
      this.#layout,
      kind,
      visitFor(kind, { orphanGrace, maxRecordBytes, fsync, tombstones: this.#tombstones }),
    )
  }

  close(): void {
    this.#tombstones.collectAll()
  }
}

/** Opens the directory, or says what is wrong with it. */
export function openStorage(options: FilesWorkerOptions, foreign?: RecordFormat): WorkerStorage {
  // Our own records say nothing of who has written them.
  openDirectory(options.directory, foreign !== undefined)
  const format = foreign ?? nativeFormat(options)
  const { sharded, directories } = new Layout(options, format)
  if (sharded) for (const directory of directories) refuseLink(directory)
  return new FilesStorage(options, format)
}
