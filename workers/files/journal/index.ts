import { randomInt } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import {
  BATCH_HEADER,
  type CheckpointAnswer,
  type CheckpointStep,
  type CorruptNotice,
  describeFailure,
  type Failure,
  hasCode,
  type JournalGauge,
  type JournalStorage,
  OWN_WRITE_ID,
  type ReplaySlice,
  ReplyWriter,
  RequestReader,
  type Walk,
} from '../../protocol/index.js'
import { Layout } from '../layout.js'
import { openDirectory, refuseLink } from '../open-directory.js'
import { syncDirectory } from '../sync-directory.js'
import { carryOver } from './carry-over.js'
import { Checkpoint } from './checkpoint.js'
import { Checks } from './checks.js'
import { DigestedRequest } from './digested-request.js'
import { keepEvidence } from './evidence.js'
import { FrameReader } from './frame-reader.js'
import { FrameSeal } from './frame-seal.js'
import { KeyDigester } from './key-digester.js'
import { NewestVersions } from './newest.js'
import { type JournalWorkerOptions, journalDirectory } from './options.js'
import { Replay } from './replay.js'
import { SegmentLog } from './segment-log.js'

/**
 * The worker half of `files({ durability: 'journal' })`: one thread decides on every operation by the newest versions, which
 * it has in memory, appends what changes something to the journal, one frame for a batch, and only then changes
 * the newest versions. Checkpoints take them from there to the sessions' files.
 */
class Journal implements JournalStorage {
  readonly #options: JournalWorkerOptions
  readonly #newest = new NewestVersions()
  readonly #checks: Checks
  /** Where names are hashed: then nothing here has a key, but the batch that is being applied. */
  readonly #digester: KeyDigester | undefined
  readonly #seal: FrameSeal | undefined
  readonly #replay: Replay
  #log: SegmentLog | undefined
  #checkpoint: Checkpoint | undefined
  #dropThrough = -1
  /** Not those of a worker before this one: a slice of its may still come back. */
  #nextSliceId = randomInt(2 ** 47)
  /** Met by a replay that nobody watched. */
  readonly #corrupt: CorruptNotice[] = []

  constructor(options: JournalWorkerOptions) {
    this.#options = options
    this.#checks = new Checks(this.#newest, new Layout(options), options)
    if (options.hashNames) this.#digester = new KeyDigester()
    if (options.seal !== undefined) this.#seal = new FrameSeal(options.seal)
    const directory = journalDirectory(options.directory)
    this.#replay = new Replay({
      directory,
      newest: this.#newest,
      fsync: options.fsync,
      evidence: keepEvidence(directory),
      frames: new FrameReader({ seal: this.#seal, digester: this.#digester }),
    })
  }

  get gauge(): JournalGauge {
    return {
      memory: Math.ceil(this.#newest.bytes / 1024),
      disk: Math.ceil((this.#log?.bytes ?? 0) / 1024),
      append: this.#log?.appendMicroseconds ?? 0,
    }
  }

  replay(): ReplaySlice {
    const slice = this.#replay.next()
    if (slice.done && this.#log === undefined) this.#openLog()
    return { ...slice, gauge: this.gauge }
  }

  apply(wire: ArrayBuffer): ArrayBuffer | null {
    let request = new RequestReader(wire)
    const reply = new ReplyWriter(request.slots)
    const journaled: number[] = []
    try {
      if (this.#digester !== undefined) request = new DigestedRequest(wire, this.#digester)
      const log = this.#ensureLog()
      const length = this.#decideAll(request, reply, journaled)
      if (journaled.length > 0) this.#append(log, request, length, journaled.length)
    } catch (error) {
      // Not journaled: none of them has happened.
      if (journaled.length === 0) while (request.next()) journaled.push(request.index)
      const failure = describeFailure(0, error)
      for (const slot of journaled) reply.fail({ ...failure, slot })
    }
    for (const notice of this.#corrupt.splice(0)) reply.corrupt(notice)
    return reply.finish(this.gauge)
  }

  checkpoint(step: CheckpointStep): CheckpointAnswer {
    const log = this.#ensureLog()
    if (step.kind === 'begin') {
      this.#checkpoint?.abandon()
      const through = log.sequence
      log.roll()
      this.#dropThrough = log.lastOld
      const oneDirectory = this.#options.layout === 'flat'
      this.#checkpoint = new Checkpoint(this.#newest, { through, oneDirectory, firstId: this.#nextSliceId })
      return this.#answer()
    }
    const checkpoint = this.#checkpoint
    // Begun with a worker that has died: everything is dirty again.
    if (checkpoint === undefined) return { ...this.#answer(), failures: [LOST] }
    if (step.kind === 'next') {
      if (step.stored !== undefined) checkpoint.stored(step.stored)
      const slice = checkpoint.next()
      this.#nextSliceId = checkpoint.nextId
      return slice === undefined ? this.#answer() : { ...this.#answer(), slice }
    }
    this.#checkpoint = undefined
    const failures = this.#endCheckpoint(log, checkpoint)
    return { ...this.#answer(), failures }
  }

  #endCheckpoint(log: SegmentLog, checkpoint: Checkpoint): readonly Failure[] {
    const { complete } = checkpoint
    checkpoint.abandon()
    if (complete) {
      carryOver(this.#newest, this.#newest.halfKept, log)
      this.#newest.keptWhole()
      log.drop(this.#dropThrough)
      return []
    }
    // There may be no room for files.
    log.letGo()
    // A file that can never be written must not keep the journal growing for ever.
    if (log.bytes > LARGEST_SHARE * this.#newest.bytes + log.segmentBytes) {
      carryOver(this.#newest, this.#newest.entries(), log)
      this.#newest.keptWhole()
      log.drop(this.#dropThrough)
    }
    return checkpoint.failures.length > 0 ? checkpoint.failures : [LOST]
  }

  walk(): Walk {
    throw new Error('a journal has nothing to walk through: its sessions are brought to files first')
  }

  close(): void {
    this.#log?.roll()
    this.#log?.letGo()
  }

  #answer(): CheckpointAnswer {
    return { gauge: this.gauge, entries: this.#newest.count }
  }

  /** Decides on every slot; those to be journaled move together behind the room for the frame's header. */
  #decideAll(request: RequestReader, reply: ReplyWriter, journaled: number[]): number {
    const now = Date.now()
    let length = BATCH_HEADER
    while (request.next()) {
      try {
        if (!this.#checks.decide(request, reply, now)) continue
      } catch (error) {
        reply.fail(describeFailure(request.index, error))
        continue
      }
      keepWriteId(request)
      const { offset, length: slotLength } = request
      if (offset !== length) request.bytes.copyWithin(length, offset, offset + slotLength)
      length += slotLength
      journaled.push(request.index)
    }
    return length
  }

  #append(log: SegmentLog, request: RequestReader, length: number, slots: number): void {
    log.append(request.bytes, request.view, length, slots)
    request.start(BATCH_HEADER, slots)
    try {
      while (request.next()) this.#newest.note(request, log.sequence)
    } catch (error) {
      // No memory for what stands in the journal by now: a new worker reads it back from there.
      console.error(error)
      process.exit(1)
    }
  }

  #ensureLog(): SegmentLog {
    while (this.#log === undefined) this.#corrupt.push(...this.replay().corrupt)
    return this.#log
  }

  #openLog(): void {
    const { directory, fsync, segmentBytes } = this.#options
    this.#log = new SegmentLog(
      {
        directory: journalDirectory(directory),
        fsync,
        segmentBytes,
        mostSpares: fsync ? MOST_SPARES : 0,
        seal: this.#seal,
      },
      this.#replay.position,
    )
  }
}

/** As many as a checkpoint leaves that begins when the journal is as large as it should become. */
const MOST_SPARES = 8

/** How much larger than what it holds the journal may become while files cannot be written. */
const LARGEST_SHARE = 4

/** Batch and ordinal are not known any more when the journal is read back. */
function keepWriteId(request: RequestReader): void {
  const [low, high] = request.writeId
  const { offset, words, view } = request
  const word = offset >>> 2
  words[word + 7] = low
  words[word + 8] = high
  view.setUint8(offset + 5, view.getUint8(offset + 5) | OWN_WRITE_ID)
}

const LOST = {
  slot: 0,
  code: 'WORKER_LOST',
  syscall: 'none',
  message: 'the worker thread of the journal died; it goes on in a new one',
}

/** Opens the directory and its journal, or says what is wrong. */
export function openStorage(options: JournalWorkerOptions): JournalStorage {
  openDirectory(options.directory)
  try {
    mkdirSync(journalDirectory(options.directory), { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    refuseLink(journalDirectory(options.directory))
  }
  // Made anew by whoever owns the directory: a power cut must not take it away with all that is in it.
  if (options.fsync) syncDirectory(options.directory)
  return new Journal(options)
}
