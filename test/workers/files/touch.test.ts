import { copyFileSync, lstatSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { filesBelow, HOUR, StorageDriver } from './storage-driver.js'

const touching = suite('touch')

const KEY = 'k'

/** Copies a session's file without its times, as many a backup does. */
function copyWithoutTimes(file: string): void {
  copyFileSync(file, `${file}.copy`)
  renameSync(`${file}.copy`, file)
  utimesSync(file, Date.now() / 1000 - 10, Date.now() / 1000 - 10)
}

function expiryOf(driver: StorageDriver): number {
  return Math.round(driver.one({ opcode: Opcode.LOAD, key: KEY }).expiry ?? 0)
}

for (const fsync of [false, true]) {
  const what = fsync ? ', with fsync' : ''

  touching(`a longer life is a matter of times alone${what}`, () => {
    const driver = new StorageDriver({ fsync })
    driver.save(KEY, 'text', Date.now() + HOUR)
    const { file } = driver.place(KEY)
    const before = lstatSync(file)
    const bytes = readFileSync(file)
    const expiry = Date.now() + 5 * HOUR
    assert.is(driver.touch(KEY, expiry), Status.DONE)
    assert.is(lstatSync(file).ino, before.ino)
    assert.ok(readFileSync(file).equals(bytes))
    assert.is(expiryOf(driver), expiry)
  })

  touching(`a shorter life holds, too, and changes nothing else${what}`, () => {
    for (const key of [KEY, 'k'.repeat(250)]) {
      const driver = new StorageDriver({ fsync })
      driver.apply([{ opcode: Opcode.SAVE, key, text: 'text', codec: 12, expiry: Date.now() + 5 * HOUR }])
      const before = driver.one({ opcode: Opcode.LOAD, key })
      const expiry = Date.now() + HOUR
      assert.is(driver.touch(key, expiry), Status.DONE)
      const after = driver.one({ opcode: Opcode.LOAD, key })
      assert.is(Math.round(after.expiry ?? 0), expiry)
      assert.equal([after.text, after.codec, after.writeId], [before.text, before.codec, before.writeId])
      assert.is(filesBelow(driver.options.directory).length, 1)
    }
  })
}

touching('to the past ends the session', () => {
  const driver = new StorageDriver()
  driver.save(KEY, 'text')
  assert.is(driver.touch(KEY, Date.now() - 1), Status.DONE)
  assert.is(driver.load(KEY), undefined)
  assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
})

touching('does not bring back what is absent, expired, deleted or no record', () => {
  const driver = new StorageDriver()
  const expiry = Date.now() + HOUR
  assert.is(driver.touch(KEY, expiry), Status.ABSENT)
  driver.save(KEY, 'text', Date.now() - 1)
  assert.is(driver.touch(KEY, expiry), Status.ABSENT)
  driver.save(KEY, 'text')
  driver.delete(KEY)
  assert.is(driver.touch(KEY, expiry), Status.ABSENT)
  assert.is(driver.load(KEY), undefined)
})

touching('a copy without times logs nobody out', () => {
  const driver = new StorageDriver()
  const expiry = Date.now() + HOUR
  driver.save(KEY, 'text', expiry)
  copyWithoutTimes(driver.place(KEY).file)
  assert.is(driver.load(KEY), 'text')
  assert.ok(driver.exists(KEY))
  assert.is(expiryOf(driver), expiry)
  assert.equal(driver.walk('keys').keys, [KEY])
  assert.is(driver.walk('sweep').expired, 0)
  assert.is(driver.update(KEY, 'new'), Status.DONE)
})

touching('of a copy without times counts, whether it lengthens or shortens', () => {
  for (const hours of [0.5, 3]) {
    const driver = new StorageDriver()
    driver.save(KEY, 'text', Date.now() + HOUR)
    copyWithoutTimes(driver.place(KEY).file)
    const expiry = Math.round(Date.now() + hours * HOUR)
    assert.is(driver.touch(KEY, expiry), Status.DONE)
    assert.is(expiryOf(driver), expiry)
    assert.is(driver.load(KEY), 'text')
  }
})

touching('a copy without times of an expired session is as dead as it was', () => {
  const driver = new StorageDriver()
  driver.save(KEY, 'text', Date.now() - 5)
  copyWithoutTimes(driver.place(KEY).file)
  assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
  assert.is(driver.load(KEY), undefined)
  assert.is(driver.walk('sweep').expired, 1)
})

touching('that would write into what is no record leaves it alone', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const { file } = driver.place(KEY)
  driver.save(KEY, 'text', Date.now() + 5 * HOUR)
  const record = readFileSync(file)
  const damagedExpiry = Buffer.from(record)
  damagedExpiry[9] = (record[9] ?? 0) ^ 0xff
  const ofAnotherKey = Buffer.from(record)
  ofAnotherKey[18] = 2
  const contents = [Buffer.from('no record'), Buffer.alloc(1000), damagedExpiry, ofAnotherKey]
  for (const content of contents) {
    writeFileSync(file, content)
    utimesSync(file, Date.now() / 1000 + 18_000, Date.now() / 1000 + 18_000)
    const before = lstatSync(file)
    assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
    assert.ok(readFileSync(file).equals(content))
    assert.is(lstatSync(file).mtimeMs, before.mtimeMs)
  }
})

touching('that shortens writes eight bytes of the file that is there, and no other', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const { file } = driver.place(KEY)
  driver.save(KEY, 'text', Date.now() + 5 * HOUR)
  const before = readFileSync(file)
  const { ino } = lstatSync(file)
  assert.is(driver.touch(KEY, Date.now() + HOUR), Status.DONE)
  const after = readFileSync(file)
  assert.is(lstatSync(file).ino, ino)
  assert.not.ok(after.equals(before))
  after.set(before.subarray(8, 16), 8)
  assert.ok(after.equals(before))
})

touching('that shortens is seen by whoever copies the file without its times', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'text', Date.now() + 5 * HOUR)
  const expiry = Date.now() + HOUR
  driver.touch(KEY, expiry)
  driver.touch(KEY, expiry + 1000)
  copyWithoutTimes(driver.place(KEY).file)
  assert.is(expiryOf(driver), expiry)
})

touching('one whose expiry cannot be read is taken for alive until somebody loads it', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const { file } = driver.place(KEY)
  driver.save(KEY, 'text')
  const bytes = readFileSync(file)
  bytes[8] = (bytes[8] ?? 0) ^ 1
  writeFileSync(file, bytes)
  utimesSync(file, 1, 1)
  assert.ok(driver.exists(KEY))
  assert.is(driver.walk('count').live, 1)
  const { expired, corrupt } = driver.walk('sweep')
  assert.equal([expired, corrupt[0]?.reason], [0, 'expiry does not match its check'])
  assert.is(driver.load(KEY), undefined)
  assert.match(driver.notices.at(-1)?.keptAs ?? '', /^\*/)
})

touching.run()
