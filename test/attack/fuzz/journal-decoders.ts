import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { DigestedRequest } from '#dist/workers/files/journal/digested-request.js'
import {
  hasFrameBehind,
  readFrame,
  writeFrameChecksum,
  writeFrameHeader,
} from '#dist/workers/files/journal/frame.js'
import { KeyDigester } from '#dist/workers/files/journal/key-digester.js'
import type { JournalWorkerOptions } from '#dist/workers/files/journal/options.js'
import { readSegmentHeader, SEGMENT_HEADER, segmentName } from '#dist/workers/files/journal/segment.js'
import { areSound } from '#dist/workers/files/journal/sound-slots.js'
import { Layout } from '#dist/workers/files/layout.js'
import { digestName } from '#dist/workers/files/names.js'
import {
  BATCH_HEADER,
  errorCode,
  KEY_DIGEST_BYTES,
  Opcode,
  SlotReader,
} from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { JournalDriver } from '../../workers/files/journal/journal-driver.js'
import { workerOptions } from '../../workers/files/storage-driver.js'
import { type Decoder, expect } from './decoder.js'
import type { Random } from './random.js'
import { replayed } from './replayed.js'

/** A segment that a journal has written: what every kind of operation leaves in one. */
function realSegments(hashNames = false): readonly Buffer[] {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), hashNames })
  const save = (key: string, text: string) => ({ opcode: Opcode.SAVE, key, text })
  driver.apply([save('one', 'first'), save('two', 'x'.repeat(300)), save('../../etc/x', 'y')])
  driver.apply([
    { opcode: Opcode.TOUCH, key: 'one' },
    { opcode: Opcode.DELETE, key: 'two' },
  ])
  driver.apply([
    { opcode: Opcode.UPDATE, key: 'one', text: 'second' },
    { opcode: Opcode.CREATE, key: '\u4e2d\ud800'.repeat(20), text: '' },
    { opcode: Opcode.REPLACE, key: 'one', text: 'third', was: 'second' },
  ])
  driver.apply([save('three', 'last')])
  return driver.segments.map((name) => readFileSync(`${driver.journalDirectory}/${name}`))
}

/** Puts a right checksum on every frame that can be found by its magic, and on the segment's header. */
export function repairSegment(bytes: Buffer, random: Random): Buffer {
  const [salt, first] = repairHeader(bytes, random)
  let sequence = first
  for (let at = SEGMENT_HEADER; at + BATCH_HEADER <= bytes.length; at += 8) {
    if (bytes.readUInt32LE(at) !== MAGIC) continue
    let length = bytes.readUInt32LE(at + 4)
    if (length % 8 !== 0 || length < BATCH_HEADER || at + length > bytes.length) {
      if (random.below(2) === 0) continue
      length = (bytes.length - at) & ~7
    }
    const frame = bytes.subarray(at, at + length)
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    const slots = frame.readUInt32LE(12)
    // A sequence number of the file's own, or the one that is due.
    const number = random.below(8) === 0 ? frame.readDoubleLE(16) : sequence
    writeFrameHeader(view, length, { slots, sequence: number, salt }, frame.readUInt32LE(28) === 1)
    writeFrameChecksum(frame, view, length)
    sequence++
    at += length - 8
  }
  return bytes
}

const MAGIC = 0x464a5443

function repairHeader(bytes: Buffer, random: Random): readonly [salt: number, firstSequence: number] {
  if (bytes.length < SEGMENT_HEADER) return [0, 1]
  if (random.below(2) === 0) {
    bytes.writeUInt32LE(0x4c4a5443, 0)
    bytes.writeUInt32LE(1, 8)
  }
  if (random.below(4) > 0) bytes.writeDoubleLE(1, 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(8, SEGMENT_HEADER)), 4)
  return [bytes.readUInt32LE(12), bytes.readDoubleLE(16)]
}

/** The slots of the first frame, for what takes them in; in words, why it does not. */
function soundSlots(bytes: Buffer) {
  if (bytes.length < SLOTS) return 'too short'
  const own = new Uint8Array(bytes).buffer
  const reader = new SlotReader(own)
  const count = bytes.readUInt32LE(COUNT)
  // A frame's length is a multiple of eight, and so many bytes are there.
  const end = Math.min(bytes.readUInt32LE(COUNT - 8), bytes.length - SEGMENT_HEADER) & ~7
  return areSound(reader, SLOTS, count, SEGMENT_HEADER + end) ? { reader, count, own, end } : 'unsound'
}

/**
 * Slots with keys, or digests for keys, wherever they begin and whatever they say: what is taken for sound lies within its
 * bounds. A journal with hashed names gives each a digest in the place of its key; it says what it said otherwise.
 */
export function digestDecoder(): Decoder {
  const digester = new KeyDigester()
  return {
    seeds: [...realSegments(), ...realSegments(true)],
    repair(bytes, random) {
      if (bytes.length > SLOTS) bytes.writeUInt32LE(random.pick([1, 2, 3, 0xffffffff]), COUNT)
      return bytes
    },
    feed(bytes) {
      const sound = soundSlots(bytes)
      if (typeof sound === 'string') return sound
      const { reader, count, own, end } = sound
      // The same slots as a batch: its header is as long as a frame's.
      const wire = own.slice(SEGMENT_HEADER, SEGMENT_HEADER + end)
      const digested = new SlotReader(digester.digest(reader, SLOTS, count))
      reader.start(SLOTS, count)
      digested.start(BATCH_HEADER, count)
      let outcome = 'digests'
      while (reader.next()) {
        expect(digested.next(), 'a slot is left out')
        expect(reader.offset + reader.length <= bytes.length, 'a slot leaves its frame')
        const known = digested.keyDigest()
        expect(known !== undefined && known.digest.length === KEY_DIGEST_BYTES, 'a slot without a digest')
        const given = reader.keyDigest()
        const key = given === undefined ? reader.key() : undefined
        expect(key === undefined || (key.length >= 1 && key.length <= 256), 'a key that no engine accepts')
        const due = key === undefined ? given?.digest : Buffer.from(digestName(key).slice(1), 'hex')
        expect(due !== undefined && Buffer.compare(known.digest, due) === 0, 'the digest of another key')
        expect(payloadOf(digested).equals(payloadOf(reader)), 'a slot says something else')
        expect(Object.is(digested.expiry, reader.expiry), 'a slot expires at another moment')
        if (key !== undefined) outcome = 'keys'
      }
      return outcome === 'keys' ? asRequest(wire, count, digester) : outcome
    },
  }
}

/** The batch that an engine sends: keys are told as they are, for looks into files. */
function asRequest(wire: ArrayBuffer, count: number, digester: KeyDigester): string {
  const plain = new SlotReader(wire)
  plain.words[0] = count
  const request = new DigestedRequest(wire, digester)
  plain.start(BATCH_HEADER, count)
  while (plain.next()) {
    expect(request.next(), 'a slot of the batch is left out')
    if (plain.keyDigest() === undefined) expect(request.key() === plain.key(), 'the batch tells another key')
    expect(request.keyDigest() !== undefined, 'a slot of the batch has no digest')
  }
  return 'keys'
}

function payloadOf({ bytes, payloadStart, payloadLength }: SlotReader): Buffer {
  return bytes.subarray(payloadStart, payloadStart + payloadLength)
}

/** Where the first frame of a segment tells how many slots it has, and where they begin. */
const COUNT = SEGMENT_HEADER + 12
const SLOTS = SEGMENT_HEADER + BATCH_HEADER

/** Headers of segments and frames, and the search for frames behind damage. */
export function frameDecoder(): Decoder {
  return {
    seeds: realSegments(),
    repair: repairSegment,
    feed(bytes) {
      const header = readSegmentHeader(bytes)
      const salt = header?.salt ?? (bytes.length >= 16 ? bytes.readUInt32LE(12) : 0)
      let outcome = 'no frame'
      for (let at = SEGMENT_HEADER; ; ) {
        const frame = readFrame(bytes, at, salt)
        if (frame === undefined) {
          hasFrameBehind(bytes, at, salt)
          return outcome
        }
        expect(
          frame.length >= BATCH_HEADER && at + frame.length <= bytes.length,
          'a frame leaves its segment',
        )
        const sum = crc32(bytes.subarray(at + 12, at + frame.length))
        expect(sum === bytes.readUInt32LE(at + 8), 'a frame with a wrong checksum was read')
        outcome = 'frame'
        at += frame.length
      }
    },
  }
}

/**
 * Whole segments from disk, one or two of them: read back by the journal itself, and everything that they bring made
 * ready for a checkpoint; or refused without a change, when a frame that is whole says that it is sealed.
 */
export function replayDecoder(): Decoder {
  const directory = temporaryDirectory('memory')
  const journal = `${directory}/.journal`
  const options: JournalWorkerOptions = {
    ...workerOptions({ directory, exclusive: true }),
    segmentBytes: 2 ** 20,
  }
  const layout = new Layout(options)
  const within = `${directory}/`
  mkdirSync(journal, { mode: 0o700 })
  const seeds = realSegments()
  let fed = 0
  return {
    seeds,
    repair: repairSegment,
    feed(bytes) {
      const path = `${journal}/${segmentName(1)}`
      writeFileSync(path, bytes)
      if (fed++ % 4 === 0) copyFileSync(path, `${journal}/${segmentName(2)}`)
      try {
        return replayed(options, (session) => {
          const { file } = layout.place(session.keyDigest() ?? session.key(), session.hash)
          expect(file.startsWith(within) && !file.slice(within.length + 3).includes('/'), 'a file elsewhere')
        })
      } catch (error) {
        if (errorCode(error) !== 'SEALED') throw error
        expect(readFileSync(path).equals(bytes), 'a journal that was refused was changed')
        return 'SEALED'
      } finally {
        for (const name of readdirSync(journal)) rmSync(`${journal}/${name}`)
      }
    },
  }
}
