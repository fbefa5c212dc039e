import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CorruptNotice, Opcode, RequestReader, Status, sliceOf } from '#dist/workers/protocol/index.js'
import { readRecord } from '#dist/workers/record/record.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { filesBelow, HOUR, StorageDriver } from '../storage-driver.js'
import { JournalDriver } from './journal-driver.js'

const test = suite('journal: checkpoint')

/** What another process, or an engine without a journal, would read. */
function inFile(driver: JournalDriver, key: string): string | undefined {
  return new StorageDriver(driver.options).load(key)
}

function sessionFiles(driver: JournalDriver): string[] {
  return filesBelow(driver.options.directory).filter((name) => !name.startsWith('.journal'))
}

for (const layout of ['sharded', 'flat'] as const) {
  for (const fsync of [false, true]) {
    test(`writes each session once, in its newest version: ${layout}${fsync ? ', fsync' : ''}`, () => {
      const driver = new JournalDriver({ layout, fsync })
      for (let version = 1; version <= 5; version++) {
        driver.apply(
          Array.from({ length: 100 }, (_, index) => ({
            opcode: Opcode.SAVE,
            key: `key-${index}`,
            text: `version ${version}`,
          })),
        )
      }
      driver.save('gone', 'soon')
      driver.delete('gone')
      const before = lstatSync(driver.options.directory).ctimeMs
      assert.equal(sessionFiles(driver), [])
      const { gauge, entries, failures } = driver.checkpoint()
      assert.equal([gauge.memory, gauge.disk, entries, failures], [0, 0, 0, []])
      assert.ok(gauge.append > 0)
      assert.is(inFile(driver, 'key-7'), 'version 5')
      assert.is(inFile(driver, 'gone'), undefined)
      assert.is(sessionFiles(driver).length, 100)
      assert.equal(driver.segments, [])
      assert.ok(lstatSync(driver.options.directory).ctimeMs >= before)
      // Now it is the files that answer.
      assert.is(driver.load('key-7'), 'version 5')
      assert.is(driver.create('key-7', 'x'), Status.CONFLICT)
      assert.is(driver.update('gone', 'x'), Status.ABSENT)
      assert.is(driver.update('key-7', 'updated'), Status.DONE)
      assert.equal([driver.load('key-7'), inFile(driver, 'key-7')], ['updated', 'version 5'])
      driver.delete('key-8')
      assert.equal([driver.load('key-8'), inFile(driver, 'key-8')], [undefined, 'version 5'])
      driver.checkpoint()
      assert.equal([inFile(driver, 'key-7'), inFile(driver, 'key-8')], ['updated', undefined])
    })
  }
}

test('what changes while it is being written stays in the journal, and a crash then loses nothing', () => {
  const driver = new JournalDriver()
  driver.save('a', 'first')
  driver.save('b', 'first')
  let changed = false
  const answer = driver.checkpoint(() => {
    if (changed) return
    changed = true
    driver.save('a', 'second')
    driver.delete('b')
  })
  assert.equal(answer.failures, [])
  assert.is(answer.entries, 2)
  assert.is(driver.segments.length, 1, 'only what came meanwhile is left')
  driver.reopen()
  assert.equal([driver.load('a'), driver.load('b')], ['second', undefined])
  driver.checkpoint()
  assert.equal([inFile(driver, 'a'), inFile(driver, 'b')], ['second', undefined])
})

test('a key that changes all the time does not keep a checkpoint from its end', () => {
  const driver = new JournalDriver({ layout: 'flat' })
  for (let index = 0; index < 200; index++) driver.save(`key-${index}`, 'x')
  let slices = 0
  driver.checkpoint(() => {
    slices++
    for (let index = 0; index < 200; index++) driver.save(`key-${index}`, `y${slices}`)
  })
  assert.ok(slices <= 5, `${slices} slices`)
  assert.is(driver.load('key-3'), `y${slices}`)
})

test('a touch moves the file at once, and for good', () => {
  for (const fsync of [false, true]) {
    const driver = new JournalDriver({ fsync })
    driver.save('a', 'x', Date.now() + HOUR)
    driver.checkpoint()
    const expiry = Date.now() + 3 * HOUR
    assert.is(driver.touch('a', expiry), Status.DONE)
    assert.is(Math.round(lstatSync(driver.place('a').file).mtimeMs), expiry)
    assert.is(driver.walk('sweep').expired, 0)
    // An older version that is still in the journal must not undo it.
    driver.save('b', 'x', Date.now() + HOUR)
    driver.checkpoint(() => driver.touch('b', expiry))
    driver.reopen()
    driver.checkpoint()
    for (const key of ['a', 'b']) {
      assert.is(Math.round(driver.one({ opcode: Opcode.LOAD, key }).expiry ?? 0), expiry)
    }
    assert.is(driver.touch('none', expiry), Status.ABSENT)
  }
})

test('what cannot be written stays in the journal, is told of, and is written later', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  driver.save('b', 'x')
  // A file where the directory of one of them should be.
  const { directory } = driver.place('a')
  writeFileSync(directory, '')
  const answer = driver.checkpoint()
  assert.is(answer.failures?.[0]?.code, 'ENOTDIR')
  assert.is(answer.entries, 1)
  assert.is(driver.segments.length, 1)
  assert.equal([driver.load('a'), inFile(driver, 'b')], ['x', 'x'])
  rmSync(directory)
  assert.equal(driver.checkpoint().failures, [])
  assert.is(inFile(driver, 'a'), 'x')
  assert.equal(driver.segments, [])
})

test('many large sessions, touched while they are written, are whole after a crash', () => {
  const driver = new JournalDriver({ layout: 'flat', segmentBytes: 600_000 })
  const keys = ['a', 'b', 'c', 'd', 'e']
  const expiry = Date.now() + 3 * HOUR
  for (const key of keys) driver.save(key, key.repeat(500_000))
  driver.checkpoint(() => {
    for (const key of keys) driver.touch(key, expiry)
  })
  driver.reopen()
  driver.checkpoint()
  for (const key of keys) {
    const { text, expiry: found } = driver.one({ opcode: Opcode.LOAD, key })
    assert.is(text, key.repeat(500_000))
    assert.is(Math.round(found ?? 0), expiry)
  }
})

test('evidence that cannot be kept is told of all the same', () => {
  const driver = new JournalDriver()
  driver.save('a', 'no session')
  const { writeId = [0, 0] } = driver.one({ opcode: Opcode.LOAD, key: 'a' })
  // Its directory has not been made yet.
  const { corrupt } = driver.one({ opcode: Opcode.SET_ASIDE, key: 'a', writeId })
  assert.equal([corrupt[0]?.keptAs, driver.load('a')], [undefined, undefined])
})

test('a file that can never be written does not let the journal grow for ever', () => {
  const driver = new JournalDriver({ segmentBytes: 20_000 })
  driver.save('stuck', 'x'.repeat(500))
  const { directory } = driver.place('stuck')
  writeFileSync(directory, '')
  const others = Array.from({ length: 40 }, (_, index) => `key-${index}`).filter(
    (key) => driver.place(key).directory !== directory,
  )
  let largest = 0
  for (let round = 0; round < 300; round++) {
    for (const key of others) driver.save(key, `${round}`.padEnd(500, '.'))
    assert.is(driver.checkpoint().failures?.length, 1)
    largest = Math.max(largest, driver.journal.gauge.disk)
  }
  // All that was journaled is five times as much.
  assert.ok(largest < 1_500, `${largest} KiB`)
  driver.reopen()
  assert.equal(driver.replayed, [])
  assert.is(driver.load('stuck'), 'x'.repeat(500))
  assert.ok(driver.load(others[0] ?? '')?.startsWith('299'))
  rmSync(directory)
  assert.equal(driver.checkpoint().failures, [])
  assert.equal(driver.segments, [])
  assert.is(inFile(driver, 'stuck'), 'x'.repeat(500))
})

test('slices that are under way at the same time have no directory in common, and a flat one has one', () => {
  for (const layout of ['sharded', 'flat'] as const) {
    const driver = new JournalDriver({ layout, directory: temporaryDirectory('memory') })
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`)
    driver.apply(keys.map((key) => ({ opcode: Opcode.SAVE, key, text: `of ${key}` })))
    const { journal } = driver
    journal.checkpoint({ kind: 'begin' })
    const underWay: { readonly id: number; readonly wire: ArrayBuffer }[] = []
    for (let more = true; more; ) {
      const { slice } = journal.checkpoint({ kind: 'next' })
      if (slice !== undefined) underWay.push(slice)
      more = slice !== undefined
    }
    assert.is(underWay.length > 1, layout === 'sharded')
    // What is left of a directory whose slice is full has to wait for that.
    const directories = underWay.map(({ wire }) => new Set(slicesOf(wire)))
    const all = directories.flatMap((each) => [...each])
    assert.is(new Set(all).size, all.length)
    for (let slice = underWay.shift(); slice !== undefined; slice = underWay.shift()) {
      const reply = driver.storage.apply(slice.wire) as ArrayBuffer | null
      const next = journal.checkpoint({ kind: 'next', stored: { id: slice.id, reply } }).slice
      if (next !== undefined) underWay.push(next)
    }
    assert.equal(journal.checkpoint({ kind: 'end' }).failures, [])
    assert.equal(driver.segments, [])
    for (const key of keys) assert.is(inFile(driver, key), `of ${key}`)
  }
})

/** The slice of the key space that each slot of a batch belongs to. */
function slicesOf(wire: ArrayBuffer): number[] {
  const request = new RequestReader(wire)
  const slices: number[] = []
  while (request.next()) slices.push(sliceOf(request.hash))
  return slices
}

test('a slice whose worker died is written again', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  driver.journal.checkpoint({ kind: 'begin' })
  const { slice } = driver.journal.checkpoint({ kind: 'next' })
  assert.ok(slice)
  driver.journal.checkpoint({ kind: 'next', stored: { id: slice?.id ?? 0, reply: 'lost' } })
  assert.is(driver.journal.checkpoint({ kind: 'end' }).failures?.[0]?.code, 'WORKER_LOST')
  assert.equal(driver.checkpoint().failures, [])
  assert.is(inFile(driver, 'a'), 'x')
})

test('a step for a checkpoint of another worker does no harm', () => {
  const driver = new JournalDriver()
  driver.save('a', 'x')
  assert.is(driver.journal.checkpoint({ kind: 'next' }).failures?.[0]?.code, 'WORKER_LOST')
  assert.is(driver.journal.checkpoint({ kind: 'end' }).failures?.[0]?.code, 'WORKER_LOST')
  driver.journal.checkpoint({ kind: 'begin' })
  driver.journal.checkpoint({ kind: 'next', stored: { id: 99, reply: null } })
  assert.is(driver.journal.checkpoint({ kind: 'end' }).failures?.[0]?.code, 'WORKER_LOST')
  assert.is(driver.segments.length, 1, 'an unfinished checkpoint drops nothing')
  assert.is(driver.load('a'), 'x')
})

test('a create that its own dead worker had journaled, or even written, is no conflict', () => {
  const driver = new JournalDriver()
  const nonce = [7, 8] as const
  const step = { opcode: Opcode.CREATE, key: 'a', text: 'x' }
  assert.is(driver.apply([step], 0, nonce).outcomes[0]?.status, Status.DONE)
  driver.reopen()
  assert.is(driver.apply([step], 1, nonce).outcomes[0]?.status, Status.DONE)
  driver.checkpoint()
  assert.is(driver.apply([step], 1, nonce).outcomes[0]?.status, Status.DONE)
  assert.is(driver.apply([step], 1, [9, 9]).outcomes[0]?.status, Status.CONFLICT)
  assert.is(driver.apply([step], 0, nonce).outcomes[0]?.status, Status.CONFLICT)
})

test('what the codec refuses is kept aside, from the journal as from a file', () => {
  // The name of a long key does not tell it: it is kept in the record.
  for (const key of ['a', 'a'.repeat(200)]) {
    const driver = new JournalDriver({ directory: temporaryDirectory('memory') })
    driver.save(key, 'no session')
    const { writeId = [0, 0] } = driver.one({ opcode: Opcode.LOAD, key })
    mkdirSync(driver.place(key).directory, { recursive: true })
    const wrong = driver.one({ opcode: Opcode.SET_ASIDE, key, writeId: [1, 1] })
    assert.equal([wrong.corrupt, driver.load(key)], [[], 'no session'])
    const aside = driver.one({ opcode: Opcode.SET_ASIDE, key, writeId })
    assertKept(driver, key, aside.corrupt, writeId)
    // What is deleted by then, or was at any time, is no session that it could be.
    assert.equal(driver.one({ opcode: Opcode.SET_ASIDE, key, writeId }).corrupt, [])
    driver.checkpoint()
    assert.not.ok(existsSync(driver.place(key).file))
  }
})

test('what is in its file by then is kept from there', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory') })
  driver.save('a', 'no session')
  driver.checkpoint()
  const { writeId = [0, 0] } = driver.one({ opcode: Opcode.LOAD, key: 'a' })
  const step = { opcode: Opcode.SET_ASIDE, key: 'a', writeId }
  // The journal's worker knows nothing of it: those of the files are asked.
  const asked = driver.one(step)
  assertKept(driver, 'a', asked.corrupt.length > 0 ? asked.corrupt : driver.notices, writeId)
})

/** Whether the record that was refused, and nothing else, is kept under the name that is told. */
function assertKept(
  driver: JournalDriver,
  key: string,
  corrupt: readonly CorruptNotice[],
  writeId: readonly [number, number],
): void {
  assert.equal(
    corrupt.map(({ reason }) => reason),
    ['the codec refused the payload'],
  )
  assert.is(driver.load(key), undefined)
  const kept = filesBelow(driver.options.directory).filter((name) => name.includes('.corrupt-'))
  assert.is(kept.length, 1)
  assert.ok(kept[0]?.endsWith(corrupt[0]?.keptAs?.slice(1) ?? '?'))
  const record = readRecord(readFileSync(`${driver.options.directory}/${kept[0]}`))
  assert.ok(typeof record !== 'string')
  assert.equal(
    [record.payload.toString(), record.writeId, record.key],
    ['no session', writeId, key.length > 100 ? key : undefined],
  )
}

test('a session that is touched and then saved while it is being written is as it was saved', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory') })
  driver.save('a', 'old')
  const expiry = Date.now() + 9 * HOUR
  driver.checkpoint(() => {
    driver.touch('a', expiry)
    driver.save('a', 'new')
  })
  driver.crash()
  const { text, expiry: found = 0 } = driver.one({ opcode: Opcode.LOAD, key: 'a' })
  assert.is(text, 'new')
  assert.ok(found < expiry)
  assert.is(driver.records, 2, 'the touch and the save: there was nothing to be journaled anew')
  driver.checkpoint()
  assert.is(inFile(driver, 'a'), 'new')
})

test('checks ask memory, then files; nothing is journaled that changes nothing', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory') })
  for (const key of ['ended in file', 'in file']) driver.save(key, key)
  driver.checkpoint()
  driver.save('in memory', 'x')
  driver.save('expired', 'x', 1000)
  driver.save('deleted', 'x')
  driver.delete('deleted')
  const { DONE, ABSENT, FAILED, IN_FILE } = Status
  const exists = ['in memory', 'expired', 'deleted', 'in file', 'nowhere']
  assert.equal(
    exists.map((key) => driver.exists(key)),
    [true, false, false, true, false],
  )
  const { disk } = driver.journal.gauge
  const { outcomes } = driver.apply([
    { opcode: Opcode.VOID, key: 'nowhere' },
    { opcode: 99 as Opcode, key: 'unknown' },
    { opcode: Opcode.TOUCH, key: 'nowhere', expiry: 1 },
  ])
  assert.equal(
    outcomes.map(({ status }) => status),
    [DONE, FAILED, ABSENT],
  )
  assert.is(driver.journal.gauge.disk, disk)
  assert.ok(!outcomes.some(({ status }) => status === IN_FILE))
  // To the past, a touch of what is in its file is a delete, and journaled as one.
  assert.is(driver.touch('ended in file', 1), DONE)
  assert.is(driver.load('ended in file'), undefined)
  assert.is(inFile(driver, 'ended in file'), 'ended in file')
  driver.crash()
  assert.is(driver.load('ended in file'), undefined)
  driver.checkpoint()
  assert.is(inFile(driver, 'ended in file'), undefined)
})

test('a slice of a worker that died says nothing of those of the next one', () => {
  const driver = new JournalDriver()
  driver.save('a', 'first')
  driver.journal.checkpoint({ kind: 'begin' })
  const { slice: early } = driver.journal.checkpoint({ kind: 'next' })
  driver.reopen()
  driver.save('a', 'second')
  driver.journal.checkpoint({ kind: 'begin' })
  const { slice } = driver.journal.checkpoint({ kind: 'next' })
  assert.ok(early !== undefined && slice !== undefined)
  driver.journal.checkpoint({ kind: 'next', stored: { id: early.id, reply: null } })
  driver.journal.checkpoint({ kind: 'next', stored: { id: slice.id, reply: 'lost' } })
  assert.is(driver.journal.checkpoint({ kind: 'end' }).failures?.length, 1)
  assert.is(driver.load('a'), 'second')
  driver.reopen()
  assert.is(driver.load('a'), 'second')
})

test.run()
