import { readdirSync, statSync } from 'node:fs'
import { hasCode, type KeyDigest, Opcode, systemError } from '../../protocol/index.js'
import type { SealBinding } from '../../seal/index.js'
import { type Evidence, isEvidence } from '../journal/evidence.js'
import { FrameReader } from '../journal/frame-reader.js'
import { FrameSeal } from '../journal/frame-seal.js'
import { NewestVersions } from '../journal/newest.js'
import { JOURNAL_NAME, journalDirectory } from '../journal/options.js'
import { type FoundSegment, findSegments, Replay } from '../journal/replay.js'
import { segmentName, segmentNumber } from '../journal/segment.js'
import { isSpare } from '../journal/spares.js'
import { digestName, isDigestName } from '../names.js'
import type { BystanderEntry, CorruptEntry, JournalSlice, JournalSummary, SessionEntry } from './entries.js'
import { digestedSlotOf, keyIn, nameOf, slotOf } from './journaled-keys.js'

/** Times that a journal is read anew because its owner dropped a part of it meanwhile. */
const ATTEMPTS = 20
/** Another owner's sign of life, or a dead one's. */
const SIGN_OF_LIFE = /\.sock$/

/** A session in a journal, and its bytes. */
export interface JournaledSession {
  readonly entry: SessionEntry
  /** Good until the next one is asked for. */
  readonly payload: Uint8Array
}

/**
 * Reads a journal as an engine does that recovers it, but leaves everything as it is: whether its owner lives and goes on
 * writing, or has died.
 *
 * An owner drops segments, the oldest first, when what they hold is in files. Whoever has read one, and finds the next one
 * gone, would know less than what is stored: a session that the next one deletes, say. So all that was there at first has
 * to be there at last, too, else everything is read again. What an owner appends meanwhile may be seen or not. Damage
 * counts when it is met twice: where segments are written over, a frame may be seen before the one in front of it.
 *
 * Files have to be looked at after this: what has been dropped before is in them.
 *
 * Where names are hashed it has digests for keys. It may have keys, too, of an engine that knew no better; they give way to
 * the digest that came after them.
 */
export class JournalSnapshot {
  readonly #directory: string
  #newest = new NewestVersions()
  #replay: Replay | undefined
  #before: readonly FoundSegment[] = []
  #corrupt: CorruptEntry[] = []
  #corruptBefore: string | undefined
  #attempts = 0
  #summary: JournalSummary | undefined
  #digests: ReadonlyMap<string, number> | undefined
  readonly #seal: FrameSeal | undefined

  /**
   * @param directory Of the sessions.
   * @param seal What opens frames that are sealed.
   */
  constructor(directory: string, seal?: SealBinding) {
    this.#directory = journalDirectory(directory)
    this.#seal = seal === undefined ? undefined : new FrameSeal(seal)
  }

  /**
   * Reads the next segment, or begins anew.
   * @throws what a system call would, also when there is no key for what is sealed
   */
  read(): JournalSlice {
    try {
      const replay = this.#replay ?? this.#begin()
      const { done, bytes, totalBytes, records } = replay.next()
      if (!done) return { done, bytes, totalBytes, records }
      if (!this.#holds()) return this.#beginAnew()
      this.#summary = { segments: this.#before.length, bytes: totalBytes, records }
      return { done, bytes, totalBytes, records, summary: this.#summary }
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
      // A segment went; or the journal has gone as a whole, and everything is in files.
      return this.#beginAnew()
    }
  }

  /** Damaged parts; what engines have kept aside; and what is no part of a journal. */
  *bystanders(): Generator<CorruptEntry | BystanderEntry, void, undefined> {
    yield* this.#corrupt
    for (const name of namesIn(this.#directory)) {
      if (segmentNumber(name) !== undefined || isSpare(name) || SIGN_OF_LIFE.test(name)) continue
      yield { kind: isEvidence(name) ? 'aside' : 'foreign', file: this.#told(name) }
    }
  }

  /** Whether the journal, and not the file of this name, tells what has become of a session. */
  knows(key: string | undefined, fileName: string): boolean {
    if (this.#newest.count === 0) return false
    if (key !== undefined && this.#newest.find(slotOf(key)) !== -1) return true
    // Also where the record in it says its key: a key too long for a name has the same file where names are hashed.
    const name = fileName.slice(-DIGEST_LENGTH)
    return isDigestName(name) && this.#entriesByDigest.has(name)
  }

  /** The session of a key; `'deleted'` when the journal says that there is none; `undefined` when it says nothing. */
  find(key: string): JournaledSession | 'deleted' | undefined {
    const entry = this.#find(key)
    if (entry === -1) return undefined
    return this.#newest.opcode(entry) === Opcode.SAVE ? this.#sessionOf(entry) : 'deleted'
  }

  /** All sessions, live or expired. */
  *sessions(): Generator<JournaledSession, void, undefined> {
    const mixed = this.#hasDigests()
    for (const entry of this.#newest.entries()) {
      if (this.#newest.opcode(entry) !== Opcode.SAVE) continue
      if (mixed && this.#entriesByDigest.get(nameOf(this.#keyOf(entry))) !== entry) continue
      yield this.#sessionOf(entry)
    }
  }

  #begin(): Replay {
    this.#newest = new NewestVersions()
    this.#digests = undefined
    this.#corrupt = []
    this.#before = findSegments(this.#directory)
    this.#replay = new Replay({
      directory: this.#directory,
      newest: this.#newest,
      fsync: false,
      evidence: this.#untouched(),
      frames: new FrameReader({ seal: this.#seal, digester: undefined }),
    })
    return this.#replay
  }

  #beginAnew(): JournalSlice {
    this.#replay = undefined
    this.#newest = new NewestVersions()
    this.#corrupt = []
    const done = !exists(this.#directory)
    if (!done && ++this.#attempts === ATTEMPTS)
      throw systemError('EBUSY', 'read', 'the journal changes faster than it can be read: try again')
    return { done, bytes: 0, totalBytes: 0, records: 0 }
  }

  /** Whether what was read is what was stored at one moment. */
  #holds(): boolean {
    const after = new Map(findSegments(this.#directory).map((segment) => [segment.number, segment]))
    const isComplete =
      this.#before.length > 0
        ? this.#before.every(({ number, header }) => isSame(header?.salt, after.get(number)))
        : after.size === 0
    const corrupt = JSON.stringify(this.#corrupt)
    const isCertain = this.#corrupt.length === 0 || corrupt === this.#corruptBefore
    this.#corruptBefore = corrupt
    return isComplete && isCertain
  }

  #untouched(): Evidence {
    const note: Evidence['ofPart'] = ({ number }, reason) => {
      this.#corrupt.push({ kind: 'corrupt', file: this.#told(segmentName(number)), reason })
      return { reason, keptAs: undefined }
    }
    return { ofWhole: note, ofPart: note }
  }

  #told(name: string): string {
    return `${JOURNAL_NAME}/${name}`
  }

  /** By its key or by the digest of that: by what is newer, where there are both. */
  #find(key: string): number {
    return this.#newerOf(this.#newest.find(slotOf(key)), this.#newest.find(digestedSlotOf(key)))
  }

  #newerOf(left: number, right: number): number {
    if (left === -1 || right === -1) return Math.max(left, right)
    return this.#newest.changed(left) > this.#newest.changed(right) ? left : right
  }

  #sessionOf(entry: number): JournaledSession {
    const payload = this.#newest.payload(entry)
    const key = this.#keyOf(entry)
    return {
      payload,
      entry: {
        kind: 'session',
        where: 'journal',
        ...(typeof key === 'string' ? { key } : { key: undefined, digest: nameOf(key) }),
        file: undefined,
        expiry: this.#newest.expiry(entry),
        bytes: payload.length,
        codec: this.#newest.codec(entry),
        changed: undefined,
      },
    }
  }

  #keyOf(entry: number): string | KeyDigest {
    const slot = new ArrayBuffer(this.#newest.length(entry))
    this.#newest.copyTo(entry, new Uint8Array(slot), 0)
    return keyIn(slot)
  }

  #hasDigests(): boolean {
    for (const entry of this.#newest.entries()) if (this.#newest.isDigested(entry)) return true
    return false
  }

  /** The newer one, where there are two of a session. */
  get #entriesByDigest(): ReadonlyMap<string, number> {
    this.#digests ??= this.#mapDigests()
    return this.#digests
  }

  #mapDigests(): ReadonlyMap<string, number> {
    const digests = new Map<string, number>()
    for (const entry of this.#newest.entries()) {
      const name = nameOf(this.#keyOf(entry))
      digests.set(name, this.#newerOf(digests.get(name) ?? -1, entry))
    }
    return digests
  }
}

const DIGEST_LENGTH = digestName('').length

/** A segment that was just being made had no header yet. */
function isSame(salt: number | undefined, after: FoundSegment | undefined): boolean {
  return after !== undefined && (salt === undefined || after.header?.salt === salt)
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

function exists(directory: string): boolean {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true
}
