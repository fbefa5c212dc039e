import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
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
      assert.equal(driver.checkpoint(), { gauge: { memory: 0, disk: 0 }, entries: 0, failures: [] })
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
  const driver = new JournalDriver()
  driver.save('a', 'no session')
  const { writeId = [0, 0] } = driver.one({ opcode: Opcode.LOAD, key: 'a' })
  mkdirSync(driver.place('a').directory, { recursive: true })
  const wrong = driver.one({ opcode: Opcode.SET_ASIDE, key: 'a', writeId: [1, 1] })
  assert.equal([wrong.corrupt, driver.load('a')], [[], 'no session'])
  const { corrupt } = driver.one({ opcode: Opcode.SET_ASIDE, key: 'a', writeId })
  assert.is(corrupt[0]?.reason, 'the codec refused the payload')
  assert.is(driver.load('a'), undefined)
  const kept = filesBelow(driver.options.directory).filter((name) => name.includes('.corrupt-'))
  assert.is(kept.length, 1)
  assert.ok(kept[0]?.endsWith(corrupt[0]?.keptAs?.slice(1) ?? '?'))
  driver.checkpoint()
  assert.not.ok(existsSync(driver.place('a').file))
  chmodSync(driver.options.directory, 0o700)
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
