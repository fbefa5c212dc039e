import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openStorage } from '#dist/workers/files/journal/index.js'
import { BATCH_HEADER, keyHash, Opcode, RequestWriter, Status } from '#dist/workers/protocol/index.js'
import type { SealBinding } from '#dist/workers/seal/index.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { treeOf } from '../inspect/tree.js'
import { HOUR } from '../storage-driver.js'
import { fixChecksum, framesOf, LENIENT, NEW, OLD, ROTATED, segmentPath } from './frames-on-disk.js'
import { JournalDriver } from './journal-driver.js'

const test = suite('journal: sealed')

interface Setting {
  readonly seal?: SealBinding
  readonly fsync?: boolean
  readonly segmentBytes?: number
  readonly directory?: string
}

function journal(setting: Setting): JournalDriver {
  return new JournalDriver({ directory: temporaryDirectory('memory'), ...setting })
}

/** Another engine's, in the same directory, after the first one has crashed. */
function after(driver: JournalDriver, setting: Setting): JournalDriver {
  const { directory } = driver.options
  return new JournalDriver({ segmentBytes: driver.journalOptions.segmentBytes, ...setting, directory })
}

function onDisk(driver: JournalDriver): Buffer {
  return Buffer.concat(
    readdirSync(driver.journalDirectory).map((name) => readFileSync(`${driver.journalDirectory}/${name}`)),
  )
}

test('what is on the disk shows neither keys nor sessions, and all of it is read back', () => {
  for (const fsync of [false, true]) {
    const driver = journal({ seal: NEW, fsync, segmentBytes: 4096 })
    const expiry = Date.now() + 2 * HOUR
    for (let version = 1; version <= 20; version++) driver.save('the-key', `the-text ${version}`.repeat(20))
    driver.apply([
      { opcode: Opcode.SAVE, key: 'the-key-too', text: 'the-text' },
      { opcode: Opcode.LOAD, key: 'the-key' },
      { opcode: Opcode.CREATE, key: 'the-key-ü\u{1f36a}', text: 'the-text' },
    ])
    driver.create('the-key-created', 'the-text')
    driver.delete('the-key-created')
    driver.touch('the-key-too', expiry)
    assert.ok(driver.segments.length > 1)
    const bytes = onDisk(driver)
    for (const part of ['the-key', 'the-text']) {
      assert.not(bytes.includes(part))
      assert.not(bytes.includes(Buffer.from(part, 'utf16le')))
    }
    assert.is(driver.load('the-key'), 'the-text 20'.repeat(20))
    driver.reopen()
    assert.equal(
      ['the-key', 'the-key-too', 'the-key-ü\u{1f36a}', 'the-key-created'].map((key) => driver.load(key)),
      ['the-text 20'.repeat(20), 'the-text', 'the-text', undefined],
    )
    assert.is(driver.one({ opcode: Opcode.LOAD, key: 'the-key-too' }).expiry, expiry)
    assert.equal([driver.records, driver.replayed], [25, []])
    driver.checkpoint()
    assert.equal(driver.segments, [])
    assert.is(driver.load('the-key'), 'the-text 20'.repeat(20))
  }
})

test('frames of every length are aligned, and sealing changes nothing of the batch', () => {
  const driver = journal({ seal: NEW })
  for (let length = 0; length < 20; length++) driver.save('k', 'x'.repeat(length))
  const frames = framesOf(readFileSync(segmentPath(driver)))
  assert.is(frames.length, 20)
  assert.ok(frames.every(({ offset, length }) => offset % 8 === 0 && length % 8 === 0))
  const writer = new RequestWriter(256)
  const payload = Buffer.from('what a load that rides on this save answers with')
  const slot = { key: 'k', hash: keyHash('k'), expiry: Date.now() + HOUR, codec: 7, payload }
  writer.append({ ...slot, opcode: Opcode.SAVE })
  const wire = writer.toWire(0, [1, 2])
  const sent = Buffer.from(wire.slice(BATCH_HEADER))
  driver.journal.apply(wire)
  // A save's write id is kept in it, as it is without a seal.
  sent.writeUInt32LE(1, 28)
  sent.writeUInt32LE(2, 32)
  sent.writeUInt8(sent.readUInt8(5) | 2, 5)
  assert.equal(Buffer.from(wire.slice(BATCH_HEADER)), sent)
  assert.is(driver.load('k'), payload.toString())
})

test('no two frames are the same, even of the same saves', () => {
  const driver = journal({ seal: NEW })
  for (let round = 0; round < 2; round++) driver.save('k', 'x'.repeat(100), 2 ** 40)
  const bytes = readFileSync(segmentPath(driver))
  const [first, second] = framesOf(bytes).map(({ offset, length }) =>
    bytes.toString('hex', offset + 36, offset + length),
  )
  assert.is(first?.length, second?.length)
  let same = 0
  for (let at = 0; at < (first?.length ?? 0); at += 2)
    if (first?.slice(at, at + 2) === second?.slice(at, at + 2)) same++
  // The id of the key and the first half of the nonce are, and a byte here and there.
  assert.ok(same >= 16 && same < 16 + 24, `${same} bytes are the same`)
})

test('any key of the list opens, the first one seals', () => {
  const driver = journal({ seal: OLD })
  driver.save('a', 'by the old key')
  const rotated = after(driver, { seal: ROTATED })
  assert.is(rotated.load('a'), 'by the old key')
  rotated.save('b', 'by the new key')
  const ids = rotated.segments.map((_, index) => readFileSync(segmentPath(rotated, index)).readUInt32LE(68))
  assert.equal(ids, [OLD.keys[0]?.id, NEW.keys[0]?.id])
  const again = after(driver, { seal: ROTATED })
  assert.equal([again.load('a'), again.load('b')], ['by the old key', 'by the new key'])
  again.checkpoint()
  // Nothing is left that the old key would be needed for.
  const without = after(driver, { seal: NEW })
  without.save('c', 'by the new key')
  without.reopen()
  assert.is(without.load('c'), 'by the new key')
})

for (const [name, written, opened, code] of [
  ['sealed by a key that is not given', OLD, NEW, 'SEAL_KEY_UNKNOWN'],
  ['sealed, and no key is given', NEW, undefined, 'SEALED'],
  ['not sealed, and not accepted so', undefined, NEW, 'NOT_SEALED'],
] as const) {
  test(`refuses a journal that is ${name}, and changes nothing`, () => {
    for (const fsync of [false, true]) {
      const setting = { fsync, segmentBytes: 600 }
      const driver = journal({ ...(written && { seal: written }), ...setting })
      for (const key of ['a', 'b', 'c']) driver.save(key, `of ${key}${'x'.repeat(400)}`)
      assert.ok(driver.segments.length > 1)
      // The tail of a crash is none of its business either.
      truncateSync(segmentPath(driver), statSync(segmentPath(driver)).size - 8)
      const before = treeOf(driver.options.directory)
      assert.throws(
        () => after(driver, { ...(opened && { seal: opened }), ...setting }),
        (error: Error & { code?: string }) => {
          assert.is(error.code, code)
          return /nothing was changed/.test(error.message)
        },
      )
      assert.equal(treeOf(driver.options.directory), before)
      driver.reopen()
      assert.equal(
        ['a', 'b', 'c'].map((key) => driver.load(key)?.slice(0, 4)),
        ['of a', 'of b', undefined],
      )
    }
  })
}

test('a refusal stays one, however often it is tried, and by whatever way', () => {
  const driver = journal({ seal: ROTATED })
  driver.save('a', 'by the new key')
  // The second frame cannot be opened, when the first one has been taken in already.
  const other = after(driver, { seal: { ...ROTATED, keys: [...ROTATED.keys].reverse() } })
  other.save('b', 'by the old key')
  const before = treeOf(driver.options.directory)
  const half = driver.journalOptions
  assert.throws(() => new JournalDriver({ ...half, seal: NEW }), /SEAL_KEY_UNKNOWN/)
  const refused = openStorage({ ...half, seal: NEW })
  assert.not(refused.replay().done)
  for (let round = 0; round < 3; round++) assert.throws(() => refused.replay(), /SEAL_KEY_UNKNOWN/)
  const writer = new RequestWriter(64)
  writer.append({ opcode: Opcode.SAVE, key: 'c', hash: 0, expiry: 2 ** 42, codec: 0, payload: undefined })
  const reply = refused.apply(writer.toWire(0, [0, 0])) as ArrayBuffer
  assert.match(Buffer.from(reply).toString('latin1'), /SEAL_KEY_UNKNOWN/)
  assert.equal(treeOf(driver.options.directory), before)
  driver.reopen()
  assert.equal(
    [driver.load('a'), driver.load('b'), driver.load('c')],
    ['by the new key', 'by the old key', undefined],
  )
})

test('reads what is not sealed where that is accepted, and seals what comes', () => {
  const driver = journal({})
  driver.save('a', 'plain')
  const sealed = after(driver, { seal: LENIENT })
  assert.is(sealed.load('a'), 'plain')
  sealed.save('b', 'sealed')
  assert.ok(readFileSync(segmentPath(sealed, 0)).includes('plain'))
  assert.not(readFileSync(segmentPath(sealed)).includes('sealed'))
  sealed.checkpoint()
  // Once everything is in files, it need not be accepted any more.
  assert.is(after(driver, { seal: NEW }).load('c'), undefined)
})

test('a clean close before is all that it takes to turn a seal on', () => {
  const driver = journal({ fsync: true })
  driver.save('a', 'plain')
  driver.checkpoint()
  driver.journal.close()
  const sealed = after(driver, { seal: NEW, fsync: true })
  sealed.save('b', 'sealed')
  sealed.reopen()
  assert.is(sealed.load('b'), 'sealed')
})

test('a frame that was changed is damage, though its checksum is right: also the last one', () => {
  for (const index of [1, 2]) {
    const driver = journal({ seal: NEW })
    for (const key of ['a', 'b', 'c']) driver.save(key, `of ${key}`)
    const path = segmentPath(driver)
    const bytes = readFileSync(path)
    const frame = framesOf(bytes)[index]
    assert.ok(frame)
    const at = frame.offset + frame.length - 20
    bytes[at] = (bytes[at] ?? 0) ^ 1
    fixChecksum(bytes, frame)
    writeFileSync(path, bytes)
    driver.reopen()
    assert.equal(
      ['a', 'b', 'c'].map((key) => driver.load(key)),
      index === 1 ? ['of a', undefined, undefined] : ['of a', 'of b', undefined],
    )
    assert.match(driver.replayed[0]?.reason ?? '', /does not open/)
    const kept = readdirSync(driver.journalDirectory).filter((name) => name.endsWith('.damaged'))
    assert.equal(
      driver.replayed.map(({ keptAs }) => keptAs),
      kept,
    )
    assert.ok(readFileSync(`${driver.journalDirectory}/${kept[0]}`).equals(bytes))
    // A save after it, and a crash: the damage is behind us.
    driver.save('d', 'after')
    driver.replayed.length = 0
    driver.reopen()
    assert.equal([driver.load('a'), driver.load('c'), driver.load('d')], ['of a', undefined, 'after'])
    assert.equal(driver.replayed, [])
    driver.checkpoint()
    assert.equal(driver.segments, [])
  }
})

test('a frame opens at no other place of the journal, and in no other one', () => {
  const driver = journal({ seal: NEW })
  for (const text of ['first', 'other']) driver.save('a', text)
  const elsewhere = journal({ seal: NEW })
  elsewhere.save('a', 'there')
  const path = segmentPath(driver)
  const bytes = readFileSync(path)
  const [first, second] = framesOf(bytes)
  assert.ok(first && second && first.length === second.length)
  const foreign = readFileSync(segmentPath(elsewhere))
  const [own] = framesOf(foreign)
  assert.ok(own && own.length === second.length)
  for (const source of [
    bytes.subarray(first.offset, first.offset + first.length),
    foreign.subarray(own.offset, own.offset + own.length),
  ]) {
    const moved = Buffer.from(bytes)
    source.copy(moved, second.offset)
    // With everything that tells where it belongs.
    bytes.copy(moved, second.offset + 12, second.offset + 12, second.offset + 32)
    fixChecksum(moved, second)
    writeFileSync(path, moved)
    driver.replayed.length = 0
    driver.crash()
    assert.is(driver.load('a'), 'first')
    assert.match(driver.replayed[0]?.reason ?? '', /does not open/)
  }
  writeFileSync(path, bytes)
  driver.crash()
  assert.is(driver.load('a'), 'other')
})

test('slots are counted in the seal: none can be left out', () => {
  const driver = journal({ seal: NEW })
  driver.save('a', 'first')
  driver.apply([
    { opcode: Opcode.SAVE, key: 'a', text: 'second' },
    { opcode: Opcode.DELETE, key: 'a' },
  ])
  const path = segmentPath(driver)
  const bytes = readFileSync(path)
  const frame = framesOf(bytes)[1]
  assert.ok(frame && bytes.readUInt32LE(frame.offset + 12) === 2)
  bytes.writeUInt32LE(1, frame.offset + 12)
  fixChecksum(bytes, frame)
  writeFileSync(path, bytes)
  driver.reopen()
  assert.is(driver.load('a'), 'first')
})

test('what no checkpoint can write is carried over, and is sealed again', () => {
  const driver = journal({ seal: NEW, segmentBytes: 4096 })
  driver.save('a', 'the-text')
  // Touched while it is being written: the journal will have nothing but the touch, unless it is journaled anew.
  driver.checkpoint(() => assert.is(driver.touch('a', Date.now() + 2 * HOUR), Status.DONE))
  assert.is(driver.segments.length, 1)
  assert.not(onDisk(driver).includes('the-text'))
  driver.reopen()
  assert.is(driver.load('a'), 'the-text')
})

test('of a segment that is written over, nothing is read back of what it was', () => {
  const driver = journal({ fsync: true, seal: NEW })
  driver.save('a', `first ${'x'.repeat(2000)}`)
  driver.checkpoint()
  driver.save('b', 'second')
  // What it was lies there still, behind the frame that is new.
  assert.ok(statSync(segmentPath(driver)).size > 2000)
  driver.crash()
  assert.equal([driver.load('b'), driver.records, driver.replayed], ['second', 1, []])
})

test.run()
