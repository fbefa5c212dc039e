import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { failing, refusing } from '../cut-points.js'
import type { JournalDriver as Driver } from './journal-driver.js'

// After cut-points.js, so that the journal gets the calls that can be made to fail.
const { JournalDriver } = await import('./journal-driver.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const test = suite('journal: calls that fail')

function journal(options: { fsync?: boolean; segmentBytes?: number } = {}): Driver {
  return new JournalDriver({ directory: temporaryDirectory('memory'), ...options })
}

/** What a save under a key is told while some calls fail. */
function told(driver: Driver, key: string, codes: Record<string, string>): string | undefined {
  const step = { opcode: Opcode.SAVE, key, text: `of ${key}` }
  const { status, failure } = refusing(
    () => driver.one(step),
    (name) => codes[name],
  )
  return status === Status.FAILED ? failure?.code : `status ${status}`
}

for (const fsync of [false, true]) {
  for (const code of ['ENOSPC', 'EIO']) {
    test(`${code}${fsync ? ', fsync' : ''}: what was rejected is not there, what was acknowledged is`, () => {
      // With and without a segment to append to.
      for (const first of [false, true]) {
        for (let at = 0, more = true; more; at++) {
          const driver = new JournalDriver({ fsync })
          driver.save('a', 'before')
          if (first) driver.checkpoint()
          let outcomes: readonly { readonly status: number; readonly failure?: unknown }[] = []
          const failed = failing(
            () => {
              outcomes = driver.apply([
                { opcode: Opcode.SAVE, key: 'a', text: 'after' },
                { opcode: Opcode.CREATE, key: 'b', text: 'after' },
              ]).outcomes
            },
            at,
            code,
          )
          more = failed !== undefined
          const story = `call ${at}, ${failed}`
          const expected = outcomes.map(({ status }, index) =>
            status === Status.DONE ? 'after' : index === 0 ? 'before' : undefined,
          )
          for (const { status } of outcomes)
            assert.ok(status === Status.DONE || status === Status.FAILED, story)
          assert.equal([driver.load('a'), driver.load('b')], expected, story)
          // It goes on, and a crash changes nothing.
          assert.is(driver.save('c', 'later'), Status.DONE, story)
          driver.reopen()
          assert.equal([driver.load('a'), driver.load('b'), driver.load('c')], [...expected, 'later'], story)
          assert.equal(driver.replayed, [], story)
          if (!more) assert.equal(expected, ['after', 'after'])
        }
      }
    })
  }
}

for (const fsync of [false, true]) {
  test(`a frame that was rejected and cannot be cut off counts for nothing${fsync ? ', with fsync' : ''}`, () => {
    const driver = journal({ fsync })
    driver.save('a', 'of a')
    // With fsync it is there as a whole.
    const failed = fsync ? 'fdatasyncSync' : 'writeSync'
    assert.is(told(driver, 'b', { [failed]: 'EIO', ftruncateSync: 'EROFS' }), 'EIO')
    assert.is(driver.load('b'), undefined)
    assert.is(driver.save('c', 'of c'), Status.DONE)
    assert.is(driver.segments.length, 2, 'nothing is appended behind it')
    driver.reopen()
    assert.equal(
      ['a', 'b', 'c'].map((key) => driver.load(key)),
      ['of a', undefined, 'of c'],
    )
    assert.equal(driver.replayed, [])
    driver.checkpoint()
    assert.equal(driver.segments, [])
  })
}

test('a segment that could be neither made nor removed goes with those before it', () => {
  for (const fsync of [false, true]) {
    const driver = journal({ fsync, segmentBytes: 64 })
    driver.save('a', 'of a')
    assert.is(told(driver, 'b', { writeSync: 'ENOSPC', unlinkSync: 'EROFS' }), 'ENOSPC')
    assert.is(driver.segments.length, 2)
    assert.is(driver.save('c', 'of c'), Status.DONE)
    driver.crash()
    assert.equal(
      ['a', 'b', 'c'].map((key) => driver.load(key)),
      ['of a', undefined, 'of c'],
    )
    assert.equal(driver.replayed, [])
    assert.is(told(driver, 'b', { writeSync: 'ENOSPC', unlinkSync: 'EROFS' }), 'ENOSPC')
    driver.checkpoint()
    assert.equal(driver.segments, [], 'left alone, it would say that frames are missing')
    driver.save('d', 'of d')
    driver.crash()
    assert.equal([driver.load('c'), driver.load('d'), driver.replayed], ['of c', 'of d', []])
  }
})

test('a journal that has been deleted takes nothing more in, until it begins anew', () => {
  const driver = journal()
  driver.save('a', 'of a')
  rmSync(`${driver.journalDirectory}/${driver.segments[0]}`)
  const { status, failure } = driver.one({ opcode: Opcode.SAVE, key: 'b', text: 'of b' })
  assert.is(status, Status.FAILED)
  assert.match(failure?.message ?? '', /^ENOENT: the journal has been deleted/)
  assert.equal([driver.load('a'), driver.load('b')], ['of a', undefined])
  assert.is(driver.save('b', 'of b'), Status.DONE)
  assert.equal(driver.checkpoint().failures, [])
  driver.crash()
  assert.equal([driver.load('a'), driver.load('b')], ['of a', 'of b'])
})

test('a segment that cannot be put by is dropped by the next checkpoint, and one that has gone already is', () => {
  const driver = journal({ fsync: true })
  driver.save('a', 'of a')
  const renames = (name: string, path: unknown): string | undefined =>
    name === 'renameSync' && String(path).endsWith('.log') ? 'EIO' : undefined
  assert.throws(() => refusing(() => driver.checkpoint(), renames), /^EIO/)
  assert.is(driver.segments.length, 1)
  assert.is(driver.load('a'), 'of a')
  driver.save('b', 'of b')
  rmSync(`${driver.journalDirectory}/${driver.segments[0]}`)
  assert.equal(driver.checkpoint().failures, [])
  assert.equal(driver.segments, [])
  assert.equal(
    readdirSync(driver.journalDirectory).length,
    1,
    'the one that was there is kept to be written over',
  )
  driver.crash()
  assert.equal([driver.load('a'), driver.load('b'), driver.replayed], ['of a', 'of b', []])
})

test('spares that cannot be removed change nothing of the failure that they were to make room for', () => {
  const driver = journal({ fsync: true })
  driver.save('a', 'of a')
  driver.checkpoint()
  const spares = (): number => readdirSync(driver.journalDirectory).length
  driver.save('b', 'of b')
  driver.checkpoint()
  assert.is(spares(), 1)
  assert.is(told(driver, 'c', { fdatasyncSync: 'ENOSPC', readdirSync: 'EIO', unlinkSync: 'EIO' }), 'ENOSPC')
  assert.is(driver.save('c', 'of c'), Status.DONE)
  driver.crash()
  assert.is(driver.load('c'), 'of c')
  assert.equal(driver.replayed, [])
})

test('what the codec refused goes though there is no room to keep it, nor a way to clean up', () => {
  const driver = journal()
  driver.save('a', 'refused')
  const { writeId } = driver.one({ opcode: Opcode.LOAD, key: 'a' })
  assert.ok(writeId !== undefined)
  const codes: Record<string, string> = { openSync: 'ENOSPC', unlinkSync: 'EROFS' }
  const { failure, corrupt } = refusing(
    () => driver.one({ opcode: Opcode.SET_ASIDE, key: 'a', writeId }),
    (name, path) => (String(path).includes('.corrupt-') ? codes[name] : undefined),
  )
  assert.is(failure, undefined)
  assert.equal(
    corrupt.map(({ reason, keptAs }) => [reason, keptAs]),
    [['the codec refused the payload', undefined]],
  )
  assert.is(driver.load('a'), undefined)
})

test('damage is told though there is no room to keep what is damaged', () => {
  const driver = journal()
  for (const key of ['a', 'b', 'c']) driver.save(key, `of ${key}`)
  const path = `${driver.journalDirectory}/${driver.segments[0]}`
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
  writeFileSync(path, bytes)
  refusing(
    () => driver.reopen(),
    (name) => (name === 'copyFileSync' ? 'ENOSPC' : undefined),
  )
  assert.equal(driver.replayed, [
    { reason: 'a segment of the journal is damaged in the middle', keptAs: undefined },
  ])
  assert.equal(
    ['a', 'b', 'c'].map((key) => driver.load(key)),
    ['of a', undefined, undefined],
  )
  assert.ok(readFileSync(path).equals(bytes), 'it stays for who has room')
  driver.reopen()
  const [, again] = driver.replayed
  assert.ok(existsSync(`${driver.journalDirectory}/${again?.keptAs}`))
})

test('a directory for it that cannot be made, or is a link, is an error that says so', () => {
  const directory = temporaryDirectory('memory')
  assert.throws(
    () =>
      refusing(
        () => new JournalDriver({ directory }),
        (name, path) => (name === 'mkdirSync' && String(path).endsWith('.journal') ? 'EACCES' : undefined),
      ),
    /^EACCES/,
  )
  mkdirSync(`${directory}/elsewhere`)
  symlinkSync('elsewhere', `${directory}/.journal`)
  assert.throws(() => new JournalDriver({ directory }), /^ELOOP/)
})

test('without memory for what it has journaled the worker ends, and the next one reads it back', () => {
  const { exit } = process
  const { error: complain } = console
  const real = globalThis.ArrayBuffer
  const driver = journal()
  driver.save('a', 'of a')
  const text = 'x'.repeat(3000)
  let ended: unknown
  const complaints: unknown[] = []
  // What follows a real one does not come to pass.
  process.exit = ((code) => {
    ended = code
    throw new Error('ended')
  }) as typeof exit
  console.error = (...values) => void complaints.push(...values)
  try {
    driver.apply([{ opcode: Opcode.DELETE, key: 'a' }])
    const write = (): unknown => driver.apply([{ opcode: Opcode.SAVE, key: 'b', text }])
    globalThis.ArrayBuffer = class extends real {
      constructor(length: number) {
        // A chunk of the slab; a batch's own memory is not refused.
        if (length === 2 ** 18) throw new RangeError('Array buffer allocation failed')
        super(length)
      }
    } as typeof real
    write()
  } finally {
    globalThis.ArrayBuffer = real
    process.exit = exit
    console.error = complain
  }
  assert.is(ended, 1)
  assert.match(String(complaints[0]), /allocation failed/)
  driver.crash()
  assert.equal([driver.load('a'), driver.load('b')], [undefined, text])
})

test('it cannot be walked through: that would miss what is in files', () => {
  assert.throws(() => journal().journal.walk('count'), /brought to files first/)
})

test.run()
