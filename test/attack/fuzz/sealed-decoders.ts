import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { FRAME_HEADER, readFrame, writeFrameChecksum } from '#dist/workers/files/journal/frame.js'
import { FrameReader } from '#dist/workers/files/journal/frame-reader.js'
import { FrameSeal } from '#dist/workers/files/journal/frame-seal.js'
import { KeyDigester } from '#dist/workers/files/journal/key-digester.js'
import type { JournalWorkerOptions } from '#dist/workers/files/journal/options.js'
import { readSegmentHeader, SEGMENT_HEADER, segmentName } from '#dist/workers/files/journal/segment.js'
import { OWN_FORMAT } from '#dist/workers/files/own-format.js'
import type { RecordFormat } from '#dist/workers/files/record-format.js'
import { SealedFormat } from '#dist/workers/files/sealed-format.js'
import { errorCode, Opcode } from '#dist/workers/protocol/index.js'
import { GUARDED_OFFSET, RECORD_HEADER } from '#dist/workers/record/record.js'
import type { SealBinding } from '#dist/workers/seal/index.js'
import { sealBy, sealKey } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { JournalDriver } from '../../workers/files/journal/journal-driver.js'
import { workerOptions } from '../../workers/files/storage-driver.js'
import { type Decoder, expect } from './decoder.js'
import { repairSegment } from './journal-decoders.js'
import type { Random } from './random.js'
import { repairRecord } from './record-decoders.js'
import { replayed } from './replayed.js'

/*
 * What keys have sealed. Whatever is made of it, what opens is what one of our keys has sealed, at its place, bit for bit.
 */

const [NEWEST, OLDER, STRANGE] = [1, 2, 3]
const BOTH = sealBy(NEWEST, OLDER)
const SOON = Date.now() + 3_600_000

/** Whose record all of them are, or say that they are. */
const OWNER = 'k'.repeat(200)
const STRANGER = 'l'.repeat(200)
const PAYLOADS = ['', '{"user":42}', 'x'.repeat(700)]

function recordsOf(format: RecordFormat, owner: string): Buffer[] {
  return PAYLOADS.flatMap((text, index) =>
    [false, true].map((keyInRecord) =>
      format.composeAlone(
        owner,
        { file: '', keyInRecord },
        {
          payload: Buffer.from(text),
          expiry: SOON,
          writeId: [index, 7],
          codec: 1,
          writtenByUpdate: keyInRecord,
        },
      ),
    ),
  )
}

/** All of a record that its seal is bound to: not the checksum, nor the expiry, which has one of its own. */
function guarded(bytes: Buffer): string {
  return bytes.toString('latin1', GUARDED_OFFSET)
}

/** Records in files: opened, looked at, and sealed anew. */
export function sealedRecordDecoder(): Decoder {
  const [format, older, strange] = [
    new SealedFormat(BOTH),
    new SealedFormat(sealBy(OLDER)),
    new SealedFormat(sealBy(STRANGE)),
  ]
  const lenient = new SealedFormat({ ...BOTH, acceptUnsealed: true })
  const own = [...recordsOf(format, OWNER), ...recordsOf(older, OWNER)]
  const texts = [...PAYLOADS, ...PAYLOADS].flatMap((text) => [text, text])
  const genuine = new Map(own.map((bytes, index) => [guarded(bytes), texts[index]]))
  const others = [
    ...recordsOf(strange, OWNER),
    ...recordsOf(format, STRANGER),
    ...recordsOf(OWN_FORMAT, OWNER),
  ]
  return {
    seeds: [...own, ...others],
    repair(bytes, random) {
      if (bytes.length >= RECORD_HEADER && random.below(2) === 0) nameKey(bytes, random)
      return repairRecord(bytes, random)
    },
    feed(bytes) {
      const found = format.read(bytes, SOON, OWNER)
      const opened = typeof found === 'string' || !isOfOwner(found) ? undefined : text(found.payload)
      const due = genuine.get(guarded(bytes))
      expect(opened === undefined || opened === due, 'something was opened that nobody has sealed')
      const stranger = format.read(bytes, SOON, STRANGER)
      const isStrangers = typeof stranger !== 'string' && due !== undefined && text(stranger.payload) === due
      expect(!isStrangers || due === '', 'it opens under another key')
      const resealed = format.reseal(bytes, OWNER)
      if (Buffer.isBuffer(resealed)) {
        const again = format.read(resealed, SOON, OWNER)
        expect(due !== undefined, 'something was sealed anew that nobody has sealed')
        expect(
          typeof again !== 'string' && text(again.payload) === due,
          'it says something else, sealed anew',
        )
      }
      lenient.read(bytes, SOON, OWNER)
      lenient.reseal(bytes, OWNER)
      if (typeof found === 'string') return found.replace(/[0-9]+/g, 'another')
      return opened === undefined ? "another key's" : 'opened'
    },
  }
}

/** A record of another key is shown as it is: that its seal was not opened is what counts. */
function isOfOwner({
  key,
  keyLength,
}: {
  readonly key: string | undefined
  readonly keyLength: number | undefined
}): boolean {
  return keyLength === OWNER.length && (key === undefined || key === OWNER)
}

function text(payload: Uint8Array): string {
  return Buffer.from(payload).toString()
}

/** Says that one of the keys has sealed it, where that is told. */
function nameKey(bytes: Buffer, random: Random): void {
  bytes[17] = (bytes[17] ?? 0) | 4
  const at = RECORD_HEADER + (((bytes[17] ?? 0) & 1) === 0 ? 0 : 2 * bytes.readUInt16LE(18))
  if (at + 4 <= bytes.length) bytes.writeUInt32LE(sealKey(random.pick([NEWEST, OLDER, STRANGE])).id, at)
}

const SESSIONS: Readonly<Record<string, string>> = { one: 'first', two: 'x'.repeat(300), '\u4e2d\ud800': '' }

function segmentsOf(seal: SealBinding, hashNames: boolean): Buffer[] {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), seal, hashNames })
  for (const [key, session] of Object.entries(SESSIONS)) driver.save(key, session)
  driver.apply([
    { opcode: Opcode.TOUCH, key: 'one' },
    { opcode: Opcode.DELETE, key: 'two' },
    { opcode: Opcode.SAVE, key: 'two', text: SESSIONS.two ?? '' },
  ])
  return driver.segments.map((name) => readFileSync(`${driver.journalDirectory}/${name}`))
}

/** Segments of both keys, and of one that is not ours. */
function segments(hashNames: boolean): Buffer[] {
  return [NEWEST, OLDER, STRANGE].flatMap((key) => segmentsOf(sealBy(key), hashNames))
}

/** Right checksums, and now and then another key's number. */
function repairSealed(bytes: Buffer, random: Random): Buffer {
  const repaired = repairSegment(bytes, random)
  const at = SEGMENT_HEADER + FRAME_HEADER + 4
  if (random.below(4) > 0 || repaired.length < at + 4) return repaired
  repaired.writeUInt32LE(sealKey(random.pick([NEWEST, OLDER])).id, at)
  const frame = repaired.subarray(SEGMENT_HEADER)
  const length = Math.min(frame.readUInt32LE(4), frame.length)
  if (length < FRAME_HEADER) return repaired
  writeFrameChecksum(frame, new DataView(frame.buffer, frame.byteOffset, frame.length), length)
  return repaired
}

/** A frame but for its checksum, and for the magic, which is always the same. */
function frameText(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('latin1', at + 4, at + 8) + bytes.toString('latin1', at + 12, at + length)
}

/** Frames, with keys and with digests for keys. */
export function sealedFrameDecoder(): Decoder {
  const seeds = [...segments(false), ...segments(true)]
  const genuine = new Set<string>()
  for (const seed of seeds) {
    const salt = readSegmentHeader(seed)?.salt ?? 0
    for (let at = SEGMENT_HEADER; ; ) {
      const frame = readFrame(seed, at, salt)
      if (frame === undefined) break
      genuine.add(frameText(seed, at, frame.length))
      at += frame.length
    }
  }
  const readers = [undefined, new KeyDigester()].map(
    (digester) => new FrameReader({ seal: new FrameSeal(BOTH), digester }),
  )
  let fed = 0
  return {
    seeds,
    repair: repairSealed,
    feed(input) {
      const reader = readers[fed++ % 2]
      // As a segment lies in memory: at a multiple of eight.
      const bytes = Buffer.from(new Uint8Array(input).buffer)
      const salt = readSegmentHeader(bytes)?.salt ?? (bytes.length >= 16 ? bytes.readUInt32LE(12) : 0)
      reader?.begin(bytes)
      let outcome = 'no frame'
      for (let at = SEGMENT_HEADER; ; ) {
        const frame = readFrame(bytes, at, salt)
        if (frame === undefined || reader === undefined) return outcome
        try {
          const slots = reader.slots(at, frame)
          if (typeof slots === 'string') return slots
          expect(genuine.has(frameText(bytes, at, frame.length)), 'a frame opens that nobody has sealed')
          while (slots.next()) slots.keyDigest() ?? slots.key()
        } catch (error) {
          const code = errorCode(error)
          if (code === undefined) throw error
          return code
        }
        outcome = 'opened'
        at += frame.length
      }
    },
  }
}

/** Whole journals from disk: refused without a change, or read back; sessions are those that were sealed. */
export function sealedReplayDecoder(): Decoder {
  const directory = temporaryDirectory('memory')
  const journal = `${directory}/.journal`
  const options: JournalWorkerOptions = {
    ...workerOptions({ directory, exclusive: true, seal: BOTH, hashNames: true }),
    segmentBytes: 2 ** 20,
  }
  mkdirSync(journal, { mode: 0o700 })
  const texts = new Set(Object.values(SESSIONS))
  return {
    seeds: segments(true),
    repair: repairSealed,
    feed(bytes) {
      const path = `${journal}/${segmentName(1)}`
      writeFileSync(path, bytes)
      try {
        return replayed(options, (session) => {
          const { payloadStart, payloadLength, opcode } = session
          const text = session.bytes.toString('utf8', payloadStart, payloadStart + payloadLength)
          expect(
            opcode === Opcode.DELETE || texts.has(text),
            'a session was read back that nobody has sealed',
          )
          expect(session.keyDigest() !== undefined, 'a key was read back')
        })
      } catch (error) {
        const code = errorCode(error)
        if (code !== 'SEAL_KEY_UNKNOWN' && code !== 'NOT_SEALED') throw error
        expect(readFileSync(path).equals(bytes), 'a journal that was refused was changed')
        return code
      } finally {
        for (const name of readdirSync(journal)) rmSync(`${journal}/${name}`)
      }
    },
  }
}
