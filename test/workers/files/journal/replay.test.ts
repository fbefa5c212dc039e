import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keepEvidence } from '#dist/workers/files/journal/evidence.js'
import { FrameReader } from '#dist/workers/files/journal/frame-reader.js'
import { openStorage } from '#dist/workers/files/journal/index.js'
import { NewestVersions } from '#dist/workers/files/journal/newest.js'
import { Replay } from '#dist/workers/files/journal/replay.js'
import { SEGMENT_HEADER } from '#dist/workers/files/journal/segment.js'
import {
  BATCH_HEADER,
  DIGESTED_KEY,
  keyHash,
  Opcode,
  payloadAt,
  ReplyReader,
  RequestWriter,
  Status,
  WIDE_KEY,
} from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { HOUR } from '../storage-driver.js'
import { type FrameSpan, fixChecksum, framesOf } from './frames-on-disk.js'
import { JournalDriver } from './journal-driver.js'

const test = suite('journal: replay')

function memoryJournal(): JournalDriver {
  return new JournalDriver({ directory: temporaryDirectory('memory') })
}

function lastSegment(driver: JournalDriver): string {
  return `${driver.journalDirectory}/${driver.segments.at(-1)}`
}

test('what was acknowledged is there again: newest versions, deletes, expiries', () => {
  const driver = new JournalDriver()
  const expiry = Date.now() + 7_200_000
  driver.save('a', 'old')
  driver.save('a', 'new')
  driver.create('b', 'created')
  driver.delete('b')
  driver.save('c', 'kept')
  driver.touch('c', expiry)
  driver.save('ü\u{1f36a}', 'wide')
  driver.reopen()
  assert.is(driver.load('a'), 'new')
  assert.is(driver.load('b'), undefined)
  assert.is(driver.load('c'), 'kept')
  assert.is(driver.one({ opcode: Opcode.LOAD, key: 'c' }).expiry, expiry)
  assert.is(driver.load('ü\u{1f36a}'), 'wide')
  assert.is(driver.records, 7)
  // Again, and a third time: what has been read stays until it is in files.
  driver.reopen()
  driver.save('d', 'later')
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('d'), driver.replayed], ['new', 'later', []])
})

test('what a file held before it was written over, never comes back', () => {
  for (const behind of [false, true]) {
    const driver = new JournalDriver({ fsync: true })
    for (const key of ['a', 'b', 'c']) driver.save(key, `of the first, ${'x'.repeat(200)}`)
    const { ino } = statSync(lastSegment(driver))
    driver.checkpoint()
    assert.equal(driver.segments, [])
    for (const key of ['a', 'b', 'c']) driver.delete(key)
    driver.save('d', 'of the second')
    assert.is(statSync(lastSegment(driver)).ino, ino, 'the same file')
    // A crash while the next segment is being made, or one behind it, must not let it read on.
    if (behind) driver.journal.checkpoint({ kind: 'begin' })
    if (behind) driver.save('d', 'of the third')
    driver.crash()
    assert.equal(
      ['a', 'b', 'c'].map((key) => driver.load(key)),
      [undefined, undefined, undefined],
    )
    assert.is(driver.load('d'), behind ? 'of the third' : 'of the second')
    assert.is(driver.records, (behind ? 1 : 0) + 4)
    assert.equal(driver.replayed, [])
    driver.checkpoint()
    driver.reopen()
    assert.equal(
      ['a', 'b', 'c', 'd'].map((key) => driver.load(key)?.slice(0, 6)),
      [undefined, undefined, undefined, 'of the'],
    )
    assert.equal(readdirSync(driver.journalDirectory), [], 'nothing is left of it')
  }
})

test('without fsync, files go: what the disk has never seen need not be written', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  driver.checkpoint()
  assert.equal(readdirSync(driver.journalDirectory), [])
})

test('readers and refusals leave nothing in the journal', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x'.repeat(300))
  const { size } = statSync(lastSegment(driver))
  for (let round = 0; round < 20; round++) {
    driver.load('a')
    driver.exists('b')
    assert.is(driver.create('a', 'again'), Status.CONFLICT)
    assert.is(driver.update('b', 'none'), Status.ABSENT)
  }
  assert.is(statSync(lastSegment(driver)).size, size)
  // Nor do those that share a batch with a save take up room there.
  driver.apply([
    { opcode: Opcode.LOAD, key: 'a' },
    { opcode: Opcode.LOAD, key: 'b' },
    { opcode: Opcode.SAVE, key: 'c', text: 'x'.repeat(300) },
    { opcode: Opcode.EXISTS, key: 'd' },
  ])
  assert.is(statSync(lastSegment(driver)).size, size + (size - SEGMENT_HEADER))
  driver.reopen()
  assert.is(driver.load('c'), 'x'.repeat(300))
})

test('a tail torn at any byte is dropped, and the journal goes on', () => {
  const driver = new JournalDriver()
  driver.save('a', 'first')
  const whole = statSync(lastSegment(driver)).size
  driver.save('a', 'second, never acknowledged')
  const segment = lastSegment(driver)
  const bytes = readFileSync(segment)
  const name = driver.segments[0] ?? ''
  for (let length = 0; length < bytes.length; length++) {
    const other = new JournalDriver()
    writeFileSync(`${other.journalDirectory}/${name}`, bytes.subarray(0, length))
    other.reopen()
    assert.is(other.load('a'), length < whole ? undefined : 'first', `${length} bytes`)
    assert.equal(other.replayed, [], `${length} bytes`)
    other.save('b', 'after')
    other.reopen()
    assert.is(other.load('b'), 'after', `${length} bytes`)
    assert.equal(other.replayed, [], `${length} bytes`)
  }
})

test('any changed byte is noticed: what comes before it stands, nothing is made up', () => {
  const driver = new JournalDriver()
  const versions = ['one', 'two', 'three', 'four']
  for (const version of versions) driver.save('a', version)
  const bytes = readFileSync(lastSegment(driver))
  const name = driver.segments[0] ?? ''
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ change
      const other = new JournalDriver()
      writeFileSync(`${other.journalDirectory}/${name}`, damaged)
      other.reopen()
      const frames = (bytes.length - SEGMENT_HEADER) / versions.length
      // Frames of one key differ in length; the last one alone is a torn tail when it is hit.
      const loaded = other.load('a')
      assert.ok(loaded === undefined || versions.includes(loaded))
      if (at < SEGMENT_HEADER + 32) assert.is(loaded, undefined)
      const inLast = at >= bytes.length - frames
      if (!inLast && at >= 8) assert.is(other.replayed.length, 1, `byte ${at}`)
    }),
    { numRuns: 150 },
  )
})

test('damage in the middle ends the journal there, is told of and kept aside, and new saves count', () => {
  const driver = new JournalDriver({ segmentBytes: 2_000 })
  for (let version = 1; version <= 20; version++) driver.save('a', `${version} ${'x'.repeat(400)}`)
  assert.ok(driver.segments.length > 3)
  const middle = `${driver.journalDirectory}/${driver.segments[1]}`
  const bytes = readFileSync(middle)
  bytes[bytes.length - 500] = (bytes[bytes.length - 500] ?? 0) ^ 1
  writeFileSync(middle, bytes)
  driver.reopen()
  const safe = driver.load('a')
  assert.ok(safe?.startsWith('7 ') || safe?.startsWith('6 ') || safe?.startsWith('8 '), safe?.slice(0, 3))
  assert.ok(driver.replayed.length >= 2)
  assert.match(driver.replayed[0]?.reason ?? '', /damaged in the middle/)
  const kept = readdirSync(driver.journalDirectory).filter((name) => name.endsWith('.damaged'))
  assert.equal(
    driver.replayed.map(({ keptAs }) => keptAs),
    kept,
  )
  assert.ok(readFileSync(`${driver.journalDirectory}/${kept[0]}`).equals(bytes))
  // A save after it, and a crash: the damage is behind us.
  driver.save('b', 'after')
  driver.replayed.length = 0
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('b'), driver.replayed], [safe, 'after', []])
  // And once all is in files, only the evidence is left.
  assert.equal(driver.checkpoint().failures, [])
  assert.equal(driver.segments, [])
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('b')], [safe, 'after'])
})

test('a missing segment ends the journal where it is missing', () => {
  const driver = new JournalDriver({ segmentBytes: 600 })
  for (const key of ['a', 'b', 'c', 'd']) driver.save(key, 'x'.repeat(500))
  assert.is(driver.segments.length, 4)
  truncateSync(`${driver.journalDirectory}/${driver.segments[1]}`, SEGMENT_HEADER)
  driver.reopen()
  assert.is(driver.load('a')?.length, 500)
  assert.equal(
    ['b', 'c', 'd'].map((key) => driver.load(key)),
    [undefined, undefined, undefined],
  )
  assert.is(driver.replayed.length, 2)
})

test('the oldest segments may not be empty when others followed them', () => {
  for (const [emptied, left] of [
    [1, 0],
    [1, SEGMENT_HEADER],
    [2, 0],
    [2, SEGMENT_HEADER],
  ] as const) {
    const driver = new JournalDriver({ segmentBytes: 600 })
    for (const key of ['a', 'b', 'c', 'd']) driver.save(key, 'x'.repeat(500))
    for (const name of driver.segments.slice(0, emptied))
      truncateSync(`${driver.journalDirectory}/${name}`, left)
    driver.reopen()
    assert.equal(
      ['a', 'b', 'c', 'd'].map((key) => driver.load(key)),
      [undefined, undefined, undefined, undefined],
      'later saves without those before them',
    )
    assert.ok(driver.replayed.length > 0)
    driver.save('a', 'after')
    driver.reopen()
    assert.is(driver.load('a'), 'after')
  }
})

test('a segment whose header is damaged is kept aside', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  const segment = lastSegment(driver)
  const bytes = readFileSync(segment)
  bytes[20] = (bytes[20] ?? 0) ^ 1
  writeFileSync(segment, bytes)
  driver.reopen()
  assert.is(driver.load('a'), undefined)
  assert.is(driver.replayed.length, 1)
  driver.save('a', 'y')
  driver.reopen()
  assert.is(driver.load('a'), 'y')
})

/** A segment with a header that is whole, whatever it says. */
function writeSegment(driver: JournalDriver, name: string, edit: (header: Buffer) => void): string {
  const path = `${driver.journalDirectory}/${name}`
  const header = readFileSync(lastSegment(driver)).subarray(0, SEGMENT_HEADER)
  edit(header)
  header.writeUInt32LE(crc32(header.subarray(8)), 4)
  writeFileSync(path, header)
  return path
}

test('a segment of a format that is not known yet, or of an impossible order, is not read', () => {
  const edits: Record<string, (header: Buffer) => void> = {
    'format of the future': (header) => header.writeUInt32LE(3, 8),
    'format that never was': (header) => header.writeUInt32LE(0, 8),
    'frame before the first': (header) => header.writeDoubleLE(0, 16),
    'half a frame': (header) => header.writeDoubleLE(1.5, 16),
    'no number': (header) => header.writeDoubleLE(Number.NaN, 16),
    'frame that no journal reaches': (header) => header.writeDoubleLE(2 ** 53, 16),
  }
  for (const [what, edit] of Object.entries(edits)) {
    const driver = memoryJournal()
    driver.save('a', 'x')
    const [name = ''] = driver.segments
    const frames = readFileSync(lastSegment(driver)).subarray(SEGMENT_HEADER)
    appendFileSync(writeSegment(driver, name, edit), frames)
    driver.reopen()
    assert.is(driver.load('a'), undefined, what)
    assert.equal(
      driver.replayed.map(({ reason }) => reason),
      ['a segment of the journal is damaged at its beginning'],
      what,
    )
    driver.save('a', 'y')
    driver.reopen()
    assert.is(driver.load('a'), 'y', what)
  }
})

test('a segment that is larger than any is not read, and kept', () => {
  const driver = memoryJournal()
  driver.save('a', 'x')
  const large = writeSegment(driver, '000000000002.log', (header) => header.writeDoubleLE(2, 16))
  truncateSync(large, 2 ** 29 + 8)
  const before = process.memoryUsage().arrayBuffers
  driver.reopen()
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 28)
  const [{ reason, keptAs } = { reason: '', keptAs: '' }] = driver.replayed
  assert.is(reason, 'larger than any segment of a journal')
  assert.is(statSync(`${driver.journalDirectory}/${keptAs}`).size, 2 ** 29 + 8)
  assert.is(driver.load('a'), 'x')
  driver.save('b', 'y')
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('b'), driver.replayed.length], ['x', 'y', 1])
})

test('what is no file in the place of a segment is refused', () => {
  const driver = memoryJournal()
  driver.save('a', 'x')
  mkdirSync(`${driver.journalDirectory}/000000000002.log`)
  assert.throws(() => driver.reopen(), /^EINVAL: a segment of the journal is no regular file/)
})

test('the first batch is told of damage where nobody has asked for a replay before', () => {
  const driver = memoryJournal()
  for (const text of ['one', 'two', 'three']) driver.save('a', text)
  const [, second] = framesOf(readFileSync(lastSegment(driver)))
  assert.ok(second)
  // One bit: a byte that is set to anything may have been just that.
  const at = second.offset + 8
  changeFrame(driver, second, (bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at))
  const journal = openStorage(driver.journalOptions)
  const writer = new RequestWriter(128)
  writer.append({
    opcode: Opcode.LOAD,
    key: 'a',
    hash: keyHash('a'),
    expiry: 0,
    codec: 0,
    payload: undefined,
  })
  const reader = new ReplyReader(journal.apply(writer.toWire(0, [0, 0])) as ArrayBuffer)
  assert.equal(
    reader.report().corrupt.map(({ reason }) => reason),
    ['a segment of the journal is damaged in the middle'],
  )
  const record = reader.record(0)
  assert.is(record && Buffer.from(payloadAt(record)).toString(), 'one')
})

/** Changes the last segment; a frame of it keeps a checksum that is right if `fix` says so. */
function changeFrame(
  driver: JournalDriver,
  frame: FrameSpan,
  edit: (bytes: Buffer) => void,
  fix = false,
): void {
  const path = lastSegment(driver)
  const bytes = readFileSync(path)
  edit(bytes)
  if (fix) fixChecksum(bytes, frame)
  writeFileSync(path, bytes)
}

test('a whole frame with flags that are not known is damage, not a torn tail', () => {
  // The last one says that it is sealed, and is shorter than anything sealed.
  for (const flags of [2, 3, 0x80000000, 1]) {
    const driver = memoryJournal()
    driver.save('a', 'one')
    driver.delete('a')
    const [, last] = framesOf(readFileSync(lastSegment(driver)))
    assert.ok(last)
    if (flags === 1) shorten(driver, last)
    changeFrame(
      driver,
      { ...last, length: flags === 1 ? BATCH_HEADER : last.length },
      (bytes) => bytes.writeUInt32LE(flags, last.offset + 28),
      true,
    )
    driver.reopen()
    assert.is(driver.load('a'), 'one')
    assert.equal(
      driver.replayed.map(({ reason }) => reason),
      ['a frame of the journal holds what no engine writes'],
      `flags ${flags}`,
    )
  }
})

/** Leaves nothing of a frame but its header. */
function shorten(driver: JournalDriver, { offset }: FrameSpan): void {
  const path = lastSegment(driver)
  const bytes = readFileSync(path).subarray(0, offset + BATCH_HEADER)
  bytes.writeUInt32LE(BATCH_HEADER, offset + 4)
  writeFileSync(path, bytes)
}

test('a whole frame that holds what no engine writes is damage', () => {
  const slotEdits: Record<string, (bytes: Buffer, slot: number, frame: FrameSpan) => void> = {
    'no slots': (bytes, _slot, frame) => bytes.writeUInt32LE(0, frame.offset + 12),
    'more slots than there is room for': (bytes, _slot, frame) =>
      bytes.writeUInt32LE(1000, frame.offset + 12),
    'a slot more than there is': (bytes, _slot, frame) => bytes.writeUInt32LE(2, frame.offset + 12),
    'a slot shorter than its header': (bytes, slot) => bytes.writeUInt32LE(32, slot),
    'a slot of a crooked length': (bytes, slot) => bytes.writeUInt32LE(bytes.readUInt32LE(slot) - 4, slot),
    'a slot that is longer than the frame': (bytes, slot) => bytes.writeUInt32LE(2 ** 20, slot),
    'a slot that ends before the frame': (bytes, slot) =>
      bytes.writeUInt32LE(bytes.readUInt32LE(slot) - 8, slot),
    'a load': (bytes, slot) => bytes.writeUInt8(Opcode.LOAD, slot + 4),
    'an operation that there is not': (bytes, slot) => bytes.writeUInt8(200, slot + 4),
    'no key': (bytes, slot) => bytes.writeUInt16LE(0, slot + 6),
    'a key that is too long': (bytes, slot) => bytes.writeUInt16LE(257, slot + 6),
    'a wide key that is too long': (bytes, slot) => {
      bytes.writeUInt8(WIDE_KEY, slot + 5)
      bytes.writeUInt16LE(514, slot + 6)
    },
    'half a letter': (bytes, slot) => {
      bytes.writeUInt8(WIDE_KEY, slot + 5)
      bytes.writeUInt16LE(31, slot + 6)
    },
    'a digest that is not as long as one': (bytes, slot) => {
      bytes.writeUInt8(DIGESTED_KEY, slot + 5)
      bytes.writeUInt16LE(31, slot + 6)
    },
    'a digest with wide letters': (bytes, slot) => bytes.writeUInt8(DIGESTED_KEY | WIDE_KEY, slot + 5),
    'a payload that is longer than the slot': (bytes, slot) => bytes.writeUInt32LE(2 ** 31, slot + 8),
    'an expiry that is no number': (bytes, slot) => bytes.writeDoubleLE(Number.NaN, slot + 16),
  }
  for (const [what, edit] of Object.entries(slotEdits)) {
    const driver = memoryJournal()
    driver.save('a', 'sound')
    // As long as a digest, which must not be taken for one.
    driver.save('k'.repeat(32), 'x'.repeat(600))
    const [, last] = framesOf(readFileSync(lastSegment(driver)))
    assert.ok(last)
    changeFrame(driver, last, (bytes) => edit(bytes, last.offset + BATCH_HEADER, last), true)
    driver.reopen()
    assert.equal(
      driver.replayed.map(({ reason }) => reason),
      ['a frame of the journal holds what no engine writes'],
      what,
    )
    assert.equal([driver.load('a'), driver.load('k'.repeat(32))], ['sound', undefined], what)
  }
})

test('any expiry but one that is no number is read back, and goes to its file', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (saved, touched) => {
      const driver = memoryJournal()
      driver.save('a', 'odd', saved)
      driver.save('b', 'touched')
      if (touched > Date.now()) driver.touch('b', touched)
      driver.save('c', 'plain')
      driver.reopen()
      assert.equal(driver.replayed, [])
      const found = [driver.load('a'), driver.load('b'), driver.load('c')]
      assert.equal(found, [saved > Date.now() ? 'odd' : undefined, 'touched', 'plain'])
      const { failures } = driver.checkpoint()
      assert.equal([failures ?? [], driver.segments], [[], []])
      driver.reopen()
      assert.equal([driver.load('a'), driver.load('b'), driver.load('c')], found)
    }),
    {
      numRuns: 50,
      examples: [
        [Number.NEGATIVE_INFINITY, 1e300],
        [-1e300, Number.POSITIVE_INFINITY],
        [Number.POSITIVE_INFINITY, Number.MAX_VALUE],
        [-1, 8.64e15],
      ],
    },
  )
})

test('a replay that fails midway fails again, whoever asks, and takes nothing for damage', () => {
  const driver = memoryJournal()
  for (const key of ['a', 'b', 'c']) driver.save(key, `of ${key}`)
  const before = readdirSync(driver.journalDirectory)
  let room = 1
  class FullVersions extends NewestVersions {
    override note(...[slot, sequence]: Parameters<NewestVersions['note']>): void {
      if (room-- === 0) throw new RangeError('no memory')
      super.note(slot, sequence)
    }
  }
  const replay = new Replay({
    directory: driver.journalDirectory,
    newest: new FullVersions(),
    fsync: false,
    evidence: keepEvidence(driver.journalDirectory),
    frames: new FrameReader({ seal: undefined, digester: undefined }),
  })
  for (let round = 0; round < 3; round++) assert.throws(() => replay.next(), /no memory/)
  assert.equal(readdirSync(driver.journalDirectory), before)
  driver.reopen()
  assert.equal(
    ['a', 'b', 'c'].map((key) => driver.load(key)),
    ['of a', 'of b', 'of c'],
  )
})

test('an empty file with the number that no segment has, is nothing of a journal', () => {
  const driver = memoryJournal()
  driver.save('a', 'of a')
  const { journalDirectory } = driver
  writeFileSync(`${journalDirectory}/000000000000.log`, '')
  driver.reopen()
  assert.is(driver.load('a'), 'of a')
  assert.equal(driver.replayed, [])
  assert.equal(
    readdirSync(journalDirectory).filter((name) => name.endsWith('.damaged')),
    [],
  )
})

test('frames that a later segment voids do not count', () => {
  const driver = new JournalDriver()
  driver.save('a', 'acknowledged')
  const before = lastSegment(driver)
  // As if a frame had been written and rejected, its sync having failed, and could not be cut off again.
  copyFileSync(before, `${before}.copy`)
  driver.save('a', 'rejected')
  const rejected = readFileSync(before).subarray(statSync(`${before}.copy`).size)
  copyFileSync(`${before}.copy`, before)
  driver.reopen()
  driver.save('b', 'in the next segment')
  appendFileSync(before, rejected)
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('b')], ['acknowledged', 'in the next segment'])
  assert.equal(driver.replayed, [])
})

test('foreign files in its directory are left alone', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  const foreign = ['notes.txt', '1.log', '000000000001.log.bak']
  for (const name of foreign) writeFileSync(`${driver.journalDirectory}/${name}`, 'mine')
  driver.reopen()
  driver.checkpoint()
  assert.equal(readdirSync(driver.journalDirectory).sort(), foreign.sort())
})

/** A session that a checkpoint has brought to its file as it was before a touch, which is all that the journal holds. */
function touchedWhileWritten(expiry: number, touchedTo: number): JournalDriver {
  const driver = new JournalDriver()
  driver.save('a', 'text', expiry)
  driver.checkpoint(() => assert.is(driver.touch('a', touchedTo), Status.DONE))
  assert.is(driver.segments.length, 1)
  return driver
}

/** Reads the journal back as if so much time had gone by. */
function reopenLater(driver: JournalDriver, milliseconds: number, body: () => void): void {
  const { now } = Date
  Date.now = () => now() + milliseconds
  try {
    driver.reopen()
    body()
    driver.checkpoint()
    body()
  } finally {
    Date.now = now
  }
}

test('a session that a touch has ended does not come back with the file that was written meanwhile', () => {
  const driver = touchedWhileWritten(Date.now() + HOUR, 1)
  reopenLater(driver, 0, () => {
    assert.is(driver.load('a'), undefined)
    assert.is(driver.update('a', 'x'), Status.ABSENT)
  })
  assert.is(driver.create('a', 'x'), Status.DONE)
})

test('a shorter life that has passed before the journal is read back is over', () => {
  const driver = touchedWhileWritten(Date.now() + 9 * HOUR, Date.now() + HOUR)
  reopenLater(driver, 2 * HOUR, () => assert.is(driver.load('a'), undefined))
})

test('a shorter life that has not passed yet ends when it should', () => {
  const driver = touchedWhileWritten(Date.now() + 9 * HOUR, Date.now() + 3 * HOUR)
  reopenLater(driver, HOUR, () => assert.is(driver.load('a'), 'text'))
  reopenLater(driver, 4 * HOUR, () => assert.is(driver.load('a'), undefined))
})

test('a longer life is not over because the file was written before the touch', () => {
  const driver = touchedWhileWritten(Date.now() + HOUR, Date.now() + 9 * HOUR)
  reopenLater(driver, 2 * HOUR, () => {
    assert.is(driver.load('a'), 'text')
    assert.is(driver.create('a', 'x'), Status.CONFLICT)
  })
})

test.run()
