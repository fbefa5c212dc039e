import { appendFileSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JournalSnapshot } from '#dist/workers/files/inspect/journal-snapshot.js'
import { digestName } from '#dist/workers/files/names.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { fixChecksum, framesOf, LENIENT, NEW, OLD, ROTATED, segmentPath } from '../journal/frames-on-disk.js'
import { JournalDriver } from '../journal/journal-driver.js'
import { treeOf } from './tree.js'

const test = suite('a journal read beside its owner')

function journal(options: { fsync?: boolean; segmentBytes?: number } = {}): JournalDriver {
  return new JournalDriver({ directory: temporaryDirectory('memory'), ...options })
}

function whole(snapshot: JournalSnapshot): JournalSnapshot {
  while (!snapshot.read().done);
  return snapshot
}

/** Sessions by their keys. */
function sessionsOf(snapshot: JournalSnapshot): Record<string, string> {
  const sessions = Array.from(snapshot.sessions(), ({ entry, payload }) => [
    entry.key,
    Buffer.from(payload).toString(),
  ])
  return Object.fromEntries(sessions.sort())
}

test('newest versions, deletes and expiries are seen, and nothing is changed', () => {
  const driver = journal()
  const expiry = Date.now() + 7_200_000
  driver.save('a', 'old')
  driver.save('a', 'new')
  driver.save('b', 'gone')
  driver.delete('b')
  driver.save('ü\u{1f36a}', 'wide', expiry)
  const before = treeOf(driver.options.directory)
  const snapshot = whole(new JournalSnapshot(driver.options.directory))
  assert.equal(sessionsOf(snapshot), { a: 'new', 'ü\u{1f36a}': 'wide' })
  assert.is(snapshot.find('b'), 'deleted')
  assert.is(snapshot.find('c'), undefined)
  const found = snapshot.find('ü\u{1f36a}')
  assert.equal(typeof found === 'object' && found.entry, {
    kind: 'session',
    where: 'journal',
    key: 'ü\u{1f36a}',
    file: undefined,
    expiry,
    bytes: 4,
    codec: 7,
    changed: undefined,
  })
  assert.equal(treeOf(driver.options.directory), before)
})

test('no journal, and one that goes while it is read, are nothing', () => {
  assert.equal(sessionsOf(whole(new JournalSnapshot(temporaryDirectory('memory')))), {})
  const driver = journal({ segmentBytes: 64 })
  driver.save('a', 'one')
  driver.save('b', 'two')
  const snapshot = new JournalSnapshot(driver.options.directory)
  assert.not(snapshot.read().done)
  rmSync(driver.journalDirectory, { recursive: true })
  const { done, summary } = snapshot.read()
  assert.equal({ done, summary }, { done: true, summary: undefined })
  assert.equal(sessionsOf(snapshot), {})
})

test('what is deleted in a segment that is dropped while an older one has been read, is not seen', () => {
  const driver = journal({ segmentBytes: 64 })
  driver.save('a', 'deleted before anybody looked')
  driver.delete('a')
  driver.save('b', 'stays')
  assert.is(driver.segments.length, 3)
  const snapshot = new JournalSnapshot(driver.options.directory)
  assert.not(snapshot.read().done, 'the session has been read')
  // The owner brings everything to files, and journals one more session.
  driver.checkpoint()
  driver.save('c', 'comes')
  whole(snapshot)
  assert.equal(sessionsOf(snapshot), { c: 'comes' })
})

test('a segment that is written over under a reader is read as what it has become', () => {
  const driver = journal({ fsync: true, segmentBytes: 64 })
  driver.save('a', 'old')
  driver.save('b', 'old')
  const snapshot = new JournalSnapshot(driver.options.directory)
  assert.not(snapshot.read().done)
  driver.checkpoint()
  driver.save('a', 'new')
  driver.save('b', 'new')
  whole(snapshot)
  assert.equal(sessionsOf(snapshot), { a: 'new', b: 'new' })
  assert.equal(Array.from(snapshot.bystanders()), [])
})

test('a journal that is made anew under the same names while it is read is read anew', () => {
  const driver = journal({ segmentBytes: 64 })
  const { directory } = driver.options
  driver.save('a', 'deleted before anybody looked')
  driver.delete('a')
  const snapshot = new JournalSnapshot(directory)
  assert.not(snapshot.read().done, 'the session has been read')
  rmSync(driver.journalDirectory, { recursive: true })
  const next = new JournalDriver({ directory, segmentBytes: 64 })
  next.save('b', 'of the next owner')
  next.save('c', 'of the next owner')
  assert.is(next.segments.length, 2)
  whole(snapshot)
  assert.equal(Object.keys(sessionsOf(snapshot)), ['b', 'c'])
  assert.equal(Array.from(snapshot.bystanders()), [])
})

test('an owner that drops segments for ever is given up on', () => {
  const driver = journal({ segmentBytes: 64 })
  const snapshot = new JournalSnapshot(driver.options.directory)
  assert.throws(() => {
    for (;;) {
      driver.save('a', 'one')
      driver.save('b', 'two')
      snapshot.read()
      driver.checkpoint()
    }
  }, /the journal changes faster than it can be read/)
})

test('a torn tail is no damage', () => {
  const driver = journal()
  driver.save('a', 'whole')
  driver.save('b', 'torn')
  const segment = `${driver.journalDirectory}/${driver.segments[0]}`
  truncateSync(segment, readFileSync(segment).length - 8)
  const snapshot = whole(new JournalSnapshot(driver.options.directory))
  assert.equal(sessionsOf(snapshot), { a: 'whole' })
  assert.equal(Array.from(snapshot.bystanders()), [])
})

test('damage is told, not moved aside; what lies about is told apart', () => {
  const driver = journal({ segmentBytes: 64 })
  for (const key of ['a', 'b', 'c']) driver.save(key, key)
  const damaged = `${driver.journalDirectory}/${driver.segments[1]}`
  const bytes = readFileSync(damaged)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(damaged, bytes)
  writeFileSync(`${driver.journalDirectory}/000000000001.log.0123abcd.damaged`, '')
  writeFileSync(`${driver.journalDirectory}/notes`, '')
  const before = treeOf(driver.options.directory)
  const snapshot = whole(new JournalSnapshot(driver.options.directory))
  assert.equal(sessionsOf(snapshot), { a: 'a' })
  assert.equal(Array.from(snapshot.bystanders(), ({ kind, file }) => `${kind} ${file}`).sort(), [
    'aside .journal/000000000001.log.0123abcd.damaged',
    `corrupt .journal/${driver.segments[1]}`,
    `corrupt .journal/${driver.segments[2]}`,
    'foreign .journal/notes',
  ])
  assert.equal(treeOf(driver.options.directory), before)
})

test('damage that is seen once is none: a reader may see a frame before the one in front of it', () => {
  const driver = journal()
  for (const key of ['a', 'b', 'c']) driver.save(key, key)
  const segment = `${driver.journalDirectory}/${driver.segments[0]}`
  const bytes = readFileSync(segment)
  const halfSeen = Buffer.from(bytes)
  halfSeen.fill(0, 40, 48)
  writeFileSync(segment, halfSeen)
  const snapshot = new JournalSnapshot(driver.options.directory)
  assert.not(snapshot.read().done)
  writeFileSync(segment, bytes)
  whole(snapshot)
  assert.equal(sessionsOf(snapshot), { a: 'a', b: 'b', c: 'c' })
  assert.equal(Array.from(snapshot.bystanders()), [])
})

test('a segment that is being made says nothing yet', () => {
  const driver = journal()
  driver.save('a', 'a')
  appendFileSync(`${driver.journalDirectory}/000000000002.log`, '')
  const snapshot = whole(new JournalSnapshot(driver.options.directory))
  assert.equal(sessionsOf(snapshot), { a: 'a' })
  unlinkSync(`${driver.journalDirectory}/000000000002.log`)
})

test('a sealed journal is opened by its keys, and nothing is guessed without them', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), seal: OLD })
  const { directory } = driver.options
  driver.save('a', 'text')
  const before = treeOf(directory)
  assert.equal(sessionsOf(whole(new JournalSnapshot(directory, OLD))), { a: 'text' })
  assert.equal(sessionsOf(whole(new JournalSnapshot(directory, ROTATED))), { a: 'text' })
  for (let round = 0; round < 2; round++) {
    assert.throws(() => whole(new JournalSnapshot(directory)), /SEALED: the journal is sealed/)
    assert.throws(() => whole(new JournalSnapshot(directory, NEW)), /SEAL_KEY_UNKNOWN/)
  }
  assert.equal(treeOf(directory), before)
  // Beside its owner, who goes on in the next segment, under a newer key.
  const snapshot = new JournalSnapshot(directory, ROTATED)
  const rotated = new JournalDriver({ directory, seal: ROTATED })
  rotated.save('b', 'newer')
  assert.equal(sessionsOf(whole(snapshot)), { a: 'text', b: 'newer' })
  const plain = journal()
  plain.save('a', 'text')
  assert.throws(() => whole(new JournalSnapshot(plain.options.directory, NEW)), /NOT_SEALED/)
  assert.equal(sessionsOf(whole(new JournalSnapshot(plain.options.directory, LENIENT))), { a: 'text' })
})

test('a sealed frame that was changed is told of, and moved nowhere', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), seal: NEW })
  driver.save('a', 'text')
  driver.save('b', 'changed')
  const bytes = readFileSync(segmentPath(driver))
  const frame = framesOf(bytes)[1]
  assert.ok(frame)
  bytes.writeUInt32LE(0, frame.offset + frame.length - 4)
  fixChecksum(bytes, frame)
  writeFileSync(segmentPath(driver), bytes)
  const before = treeOf(driver.options.directory)
  const snapshot = whole(new JournalSnapshot(driver.options.directory, NEW))
  assert.equal(sessionsOf(snapshot), { a: 'text' })
  const [told] = Array.from(snapshot.bystanders())
  assert.ok(told?.kind === 'corrupt' && /does not open/.test(told.reason))
  assert.equal(treeOf(driver.options.directory), before)
})

test('where a journal has digests for keys, sessions are found by their keys, and listed by digests', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), hashNames: true })
  const { directory } = driver.options
  driver.save('a', 'text')
  driver.save('b', 'gone')
  driver.delete('b')
  const snapshot = whole(new JournalSnapshot(directory))
  const found = snapshot.find('a')
  assert.ok(typeof found === 'object')
  assert.equal([found.entry.key, found.entry.digest], [undefined, digestName('a')])
  assert.is(Buffer.from(found.payload).toString(), 'text')
  assert.is(snapshot.find('b'), 'deleted')
  assert.is(snapshot.find(digestName('a')), undefined)
  assert.equal(
    Array.from(snapshot.sessions(), ({ entry }) => entry.digest),
    [digestName('a')],
  )
  const knows = (key: string | undefined, file: string): boolean => snapshot.knows(key, file)
  assert.ok(knows(undefined, `00/${digestName('a')}`) && knows(undefined, `00/${digestName('b')}`))
  assert.not(knows(undefined, `00/${digestName('c')}`))
  // A file that bears the key itself is none that this journal's owner would look at.
  assert.not(knows('a', '00/a'))
})

test('nor does it matter which of the two is the newer one', () => {
  const hashing = new JournalDriver({ directory: temporaryDirectory('memory'), hashNames: true })
  const { directory } = hashing.options
  for (const key of ['a', 'b']) hashing.save(key, 'old')
  const driver = new JournalDriver({ directory })
  driver.save('a', 'new')
  const snapshot = whole(new JournalSnapshot(directory))
  const texts = ['a', 'b'].map((key) => {
    const found = snapshot.find(key)
    return typeof found === 'object' ? Buffer.from(found.payload).toString() : found
  })
  assert.equal(texts, ['new', 'old'])
  assert.equal(Array.from(snapshot.sessions(), ({ entry }) => entry.key ?? entry.digest).sort(), [
    'a',
    digestName('b'),
  ])
})

test('a journal with nothing in it is one', () => {
  const { summary } = new JournalSnapshot(journal().options.directory).read()
  assert.equal(summary, { segments: 0, bytes: 0, records: 0 })
})

test('of a session that a journal has by its key and, newer, by its digest, the newer one counts', () => {
  const old = journal()
  const { directory } = old.options
  for (const key of ['a', 'b', 'c']) old.save(key, 'old')
  const driver = new JournalDriver({ directory, hashNames: true })
  driver.save('a', 'new')
  driver.delete('b')
  const snapshot = whole(new JournalSnapshot(directory))
  const texts = ['a', 'b', 'c'].map((key) => {
    const found = snapshot.find(key)
    return typeof found === 'object' ? Buffer.from(found.payload).toString() : found
  })
  assert.equal(texts, ['new', 'deleted', 'old'])
  const listed = Array.from(snapshot.sessions(), ({ entry, payload }) => [
    entry.key ?? entry.digest,
    Buffer.from(payload).toString(),
  ])
  assert.equal(listed.sort(), [
    ['c', 'old'],
    [digestName('a'), 'new'],
  ])
})

test.run()
