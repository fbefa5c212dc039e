import crypto from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeyDigester } from '#dist/workers/files/journal/key-digester.js'
import { NewestVersions } from '#dist/workers/files/journal/newest.js'
import { digestName } from '#dist/workers/files/names.js'
import {
  BATCH_HEADER,
  carriesPayload,
  keyHash,
  Opcode,
  RequestReader,
  RequestWriter,
  SlotReader,
  Status,
  sliceOf,
} from '#dist/workers/protocol/index.js'
import { readRecord } from '#dist/workers/record/record.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { filesBelow, HOUR, StorageDriver } from '../storage-driver.js'
import { framesOf, LENIENT, makeOldFormat, NEW, segmentPath } from './frames-on-disk.js'
import { JournalDriver } from './journal-driver.js'

const test = suite('journal: hashed names')

const WIDE = `wide-\u{1f36a}${'k'.repeat(200)}`

function journal(options: Partial<JournalDriver['journalOptions']> = {}): JournalDriver {
  return new JournalDriver({ directory: temporaryDirectory('memory'), hashNames: true, ...options })
}

function slotsOnDisk(driver: JournalDriver): SlotReader[] {
  return driver.segments.flatMap((_, index) => {
    const bytes = readFileSync(segmentPath(driver, index))
    return framesOf(bytes).map(({ offset }) => {
      const reader = new SlotReader(new Uint8Array(bytes).buffer)
      reader.start(offset + BATCH_HEADER, bytes.readUInt32LE(offset + 12))
      return reader
    })
  })
}

test('a batch that there is no memory for to hash its keys fails, slot by slot, and the next one does not', () => {
  const driver = journal()
  driver.save('a', 'before')
  const { hash } = crypto
  crypto.hash = () => {
    throw new RangeError('no memory')
  }
  syncBuiltinESMExports()
  try {
    const { outcomes } = driver.apply([
      { opcode: Opcode.SAVE, key: 'a', text: 'after' },
      { opcode: Opcode.LOAD, key: 'a' },
    ])
    assert.equal(
      outcomes.map(({ status }) => status),
      [Status.FAILED, Status.FAILED],
    )
  } finally {
    crypto.hash = hash
    syncBuiltinESMExports()
  }
  assert.is(driver.load('a'), 'before')
})

/** Every operation there is, on keys that one would find. */
function useAll(driver: JournalDriver): void {
  assert.is(driver.create('the-key-created', 'text'), Status.DONE)
  assert.is(driver.create('the-key-created', 'text'), Status.CONFLICT)
  assert.is(driver.save('the-key-saved', 'text'), Status.DONE)
  assert.is(driver.update('the-key-saved', 'updated'), Status.DONE)
  assert.is(driver.replace('the-key-saved', 'replaced', 'updated'), Status.DONE)
  assert.is(driver.touch('the-key-saved', Date.now() + 2 * HOUR), Status.DONE)
  assert.is(driver.save('the-key-ended', 'text'), Status.DONE)
  assert.is(driver.touch('the-key-ended', 1), Status.DONE)
  assert.is(driver.save('the-key-deleted', 'text'), Status.DONE)
  assert.is(driver.delete('the-key-deleted'), Status.DONE)
  assert.is(driver.save(WIDE, 'wide text'), Status.DONE)
  assert.is(driver.save('k', 'of a key that is shorter than its digest'), Status.DONE)
  const { writeId } = driver.one({ opcode: Opcode.LOAD, key: 'k' })
  driver.save('the-key-refused', 'text')
  const refused = driver.one({ opcode: Opcode.LOAD, key: 'the-key-refused' })
  assert.ok(writeId && refused.writeId)
  const aside = { opcode: Opcode.SET_ASIDE, key: 'the-key-refused', writeId: refused.writeId }
  assert.is(driver.one(aside).corrupt.length, 1)
}

function assertAll(driver: JournalDriver): void {
  assert.equal(
    [
      'the-key-created',
      'the-key-saved',
      'the-key-ended',
      'the-key-deleted',
      WIDE,
      'k',
      'the-key-refused',
    ].map((key) => driver.load(key)),
    [
      'text',
      'replaced',
      undefined,
      undefined,
      'wide text',
      'of a key that is shorter than its digest',
      undefined,
    ],
  )
}

test('journal, checkpoints and files know digests alone', () => {
  for (const layout of ['sharded', 'flat'] as const) {
    const driver = journal({ layout, segmentBytes: 512 })
    useAll(driver)
    const assertNameless = (): void => {
      for (const name of filesBelow(driver.options.directory)) {
        assert.not(/the-key|wide/.test(name), name)
        const bytes = readFileSync(`${driver.options.directory}/${name}`)
        for (const part of ['the-key', 'wide-', 'kkkkkkkk']) {
          assert.not(bytes.includes(part), name)
          assert.not(bytes.includes(Buffer.from(part, 'utf16le')), name)
        }
      }
    }
    assertNameless()
    assertAll(driver)
    driver.reopen()
    assertAll(driver)
    assertNameless()
    driver.journal.checkpoint({ kind: 'begin' })
    const { slice } = driver.journal.checkpoint({ kind: 'next' })
    assert.ok(slice && !Buffer.from(slice.wire).includes('the-key'), 'nor does memory')
    assert.equal(driver.checkpoint().failures, [])
    assert.equal(driver.segments, [])
    assertAll(driver)
    assertNameless()
    // What was in the files is what stands in the way now.
    assert.is(driver.create('the-key-saved', 'x'), Status.CONFLICT)
    assert.is(driver.update('the-key-deleted', 'x'), Status.ABSENT)
    assertNameless()
  }
})

test('of the hash that finds a session in memory, the disk is told no more than its directory', () => {
  const driver = journal({ layout: 'flat' })
  const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)
  for (const key of keys) driver.save(key, 'x')
  const hashes = slotsOnDisk(driver).map((reader) => {
    reader.next()
    return reader.hash
  })
  assert.equal(
    hashes.map(sliceOf),
    keys.map((key) => sliceOf(keyHash(key))),
  )
  const digests = keys.map((key) => Buffer.from(digestName(key).slice(1), 'hex').readInt32LE(0))
  assert.equal(
    hashes.map((hash) => hash & ~0xff),
    digests.map((digest) => digest & ~0xff),
  )
})

test('a record is the same as if it had never been in a journal', () => {
  const expiry = Date.now() + HOUR
  const records = [journal(), new StorageDriver({ hashNames: true, exclusive: true })].map((driver) => {
    driver.save(WIDE, 'text', expiry)
    if (driver instanceof JournalDriver) driver.checkpoint()
    const record = readRecord(readFileSync(driver.place(WIDE).file))
    return typeof record === 'string' ? record : { ...record, writeId: undefined }
  })
  assert.equal(records[0], records[1])
  assert.is((records[0] as { keyLength: number }).keyLength, WIDE.length)
})

test('a key that looks like the digest of another one is a key', () => {
  const name = digestName('victim')
  const raw = Buffer.from(name.slice(1), 'hex').toString('latin1')
  const wide = Buffer.from(name.slice(1), 'hex').toString('utf16le')
  for (const hashNames of [true, false]) {
    const driver = journal({ hashNames })
    driver.save('victim', 'of the victim')
    const impostors = [name, name.slice(1), raw, wide]
    for (const key of impostors) assert.is(driver.load(key), undefined)
    for (const key of impostors) assert.is(driver.create(key, 'of an impostor'), Status.DONE)
    const all = ['victim', ...impostors]
    const texts = ['of the victim', ...impostors.map(() => 'of an impostor')]
    const loaded = (): unknown => all.map((key) => driver.load(key))
    assert.equal(loaded(), texts)
    driver.reopen()
    assert.equal(loaded(), texts)
    driver.checkpoint()
    assert.equal(loaded(), texts)
    for (const key of impostors) driver.delete(key)
    driver.checkpoint()
    assert.is(driver.load('victim'), 'of the victim')
  }
})

test('nor are they taken for each other where their hashes are the same', () => {
  const look = (key: string, hash: number): RequestReader => {
    const writer = new RequestWriter(128)
    const payload = Buffer.from('text')
    writer.append({ opcode: Opcode.SAVE, key, hash, expiry: 2 ** 42, codec: 0, payload })
    return new RequestReader(writer.toWire(0, [0, 0]))
  }
  const victim = new SlotReader(new KeyDigester().digest(look('victim', keyHash('victim')), BATCH_HEADER, 1))
  victim.start(BATCH_HEADER, 1)
  victim.next()
  const newest = new NewestVersions()
  newest.note(victim, 1)
  const impostor = look(Buffer.from(digestName('victim').slice(1), 'hex').toString('latin1'), victim.hash)
  impostor.next()
  assert.is(newest.find(impostor), -1)
  assert.is.not(newest.find(victim), -1)
})

for (const [name, seal] of [
  ['', undefined],
  [', and is sealed from now on', LENIENT],
] as const) {
  test(`a journal of an engine that kept keys is read as it was${name}`, () => {
    const driver = journal({ hashNames: false })
    useAll(driver)
    for (const index of driver.segments.keys()) makeOldFormat(segmentPath(driver, index))
    assert.ok(readFileSync(segmentPath(driver)).includes('the-key-saved'))
    const { directory } = driver.options
    const hashing = journal({ directory, ...(seal && { seal }) })
    assertAll(hashing)
    // Its own go where they would have gone, and take the place of the former ones.
    assert.is(hashing.create('the-key-created', 'x'), Status.CONFLICT)
    assert.is(hashing.update('the-key-created', 'newer'), Status.DONE)
    hashing.delete('k')
    hashing.reopen()
    assert.equal([hashing.load('the-key-created'), hashing.load('k')], ['newer', undefined])
    hashing.save('the-key-created', 'text')
    hashing.save('k', 'of a key that is shorter than its digest')
    hashing.checkpoint()
    assertAll(hashing)
    assert.not(filesBelow(directory).some((file) => /the-key/.test(file)))
    assert.equal(readdirSync(hashing.journalDirectory), [])
    assert.equal(
      hashing.notices.filter(({ keptAs }) => keptAs === undefined),
      [],
    )
  })
}

test('a journal with digests goes to hashed names, whoever brings it to files', () => {
  const driver = journal()
  driver.save('the-key', 'text')
  // `coatcheck recover`, say, which was not told that names are hashed.
  const { directory } = driver.options
  const other = journal({ directory, hashNames: false })
  other.checkpoint()
  assert.equal(filesBelow(directory), [driver.place('the-key').file.slice(directory.length + 1)])
  driver.crash()
  assert.is(driver.load('the-key'), 'text')
})

test('a frame of both, keys and digests, is read as digests', () => {
  const driver = journal()
  driver.save('of-before', 'text')
  // An engine that was not told that names are hashed, and whose journal outgrows what it holds.
  const other = journal({ directory: driver.options.directory, hashNames: false, segmentBytes: 4096 })
  const large = 'x'.repeat(50_000)
  for (let round = 0; round < 50; round++) other.save('its-own', large)
  other.journal.checkpoint({ kind: 'begin' })
  other.journal.checkpoint({ kind: 'end' })
  assert.equal(
    slotsOnDisk(other).map(({ slots }) => slots),
    [2],
  )
  driver.crash()
  assert.equal([driver.load('of-before'), driver.load('its-own')], ['text', large])
  driver.checkpoint()
  assert.not(filesBelow(driver.options.directory).some((name) => /own|before/.test(name)))
  assert.equal([driver.load('of-before'), driver.load('its-own')], ['text', large])
})

test('batches of all sizes are digested, the largest, too', () => {
  const driver = journal()
  const texts = [10, 5_000, 200_000, 3_000_000, 20].map((length) => 'x'.repeat(length))
  for (const [index, text] of texts.entries()) driver.save(`key ${index}`, text)
  driver.reopen()
  for (const [index, text] of texts.entries()) assert.is(driver.load(`key ${index}`), text)
})

test('sealed and hashed, it is both', () => {
  const driver = journal({ seal: NEW, fsync: true })
  useAll(driver)
  assertAll(driver)
  driver.reopen()
  assertAll(driver)
  driver.checkpoint()
  assertAll(driver)
})

test('a frame holds nothing of the batches before it', () => {
  const driver = journal()
  driver.save('a', '#'.repeat(3000))
  driver.checkpoint()
  driver.apply([
    { opcode: Opcode.SAVE, key: 'b', text: 'x' },
    { opcode: Opcode.DELETE, key: 'c' },
    { opcode: Opcode.CREATE, key: 'd', text: 'xyz' },
  ])
  assert.not(readFileSync(segmentPath(driver)).includes('##'))
})

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const step = fc.record({
  opcode: fc.constantFrom(...Object.values(Opcode)),
  key,
  payload: fc.uint8Array({ maxLength: 60 }),
})

test('but for the key, a slot says what it said', () => {
  const digester = new KeyDigester()
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const writer = new RequestWriter(64)
      for (const { opcode, key, payload } of steps) {
        const content = { opcode, key, hash: keyHash(key), expiry: 2 ** 41, codec: 9 }
        const expected = opcode === Opcode.REPLACE ? Buffer.alloc(16, payload.length) : undefined
        writer.append({ ...content, payload: carriesPayload(opcode) ? payload : undefined, expected })
      }
      const source = new RequestReader(writer.toWire(0, [1, 2]))
      const digested = new SlotReader(digester.digest(source, BATCH_HEADER, steps.length))
      source.start(BATCH_HEADER, steps.length)
      digested.start(BATCH_HEADER, steps.length)
      for (const { key } of steps) {
        assert.ok(source.next() && digested.next())
        const { opcode, expiry, codec, payloadLength } = source
        assert.equal(
          [digested.opcode, digested.expiry, digested.codec, digested.payloadLength],
          [opcode, expiry, codec, payloadLength],
        )
        if (opcode === Opcode.VOID) continue
        const payloadOf = (reader: SlotReader): Buffer =>
          reader.bytes.subarray(reader.payloadStart, reader.payloadStart + payloadLength)
        assert.equal(Buffer.from(payloadOf(digested)), Buffer.from(payloadOf(source)))
        const known = digested.keyDigest()
        assert.ok(known)
        assert.is(`~${Buffer.from(known.digest).toString('hex')}`, digestName(key))
        assert.is(known.length, key.length)
        assert.throws(() => digested.key(), /only the digest/)
        if (opcode === Opcode.REPLACE) assert.equal(digested.expected(), source.expected())
      }
    }),
    { numRuns: 200 },
  )
})

test.run()
