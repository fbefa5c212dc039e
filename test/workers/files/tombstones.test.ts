import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CLAIM_LIFE } from '#dist/workers/files/claim.js'
import { liveness } from '#dist/workers/files/liveness.js'
import { OWN_FORMAT } from '#dist/workers/files/own-format.js'
import { rename } from '#dist/workers/files/rename.js'
import { exhume, isTombstone } from '#dist/workers/files/tombstone.js'
import { TOMBSTONE_LIFE, Tombstones } from '#dist/workers/files/tombstones.js'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { later } from '../../fixtures/later.js'
import { StorageDriver } from './storage-driver.js'

const tombstones = suite('tombstones')

const KEY = 'k'

tombstones('a delete leaves an empty directory in the place of the session, which is no session', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const { file } = driver.place(KEY)
  driver.save(KEY, 'x')
  driver.delete(KEY)
  assert.ok(isTombstone(lstatSync(file)))
  assert.is(liveness(OWN_FORMAT, file, Date.now()), 'buried')
  assert.equal(readdirSync(driver.options.directory), [KEY])
  assert.is(driver.load(KEY), undefined)
  assert.is(driver.exists(KEY), false)
  assert.is(driver.update(KEY, 'y'), Status.ABSENT)
  assert.is(driver.touch(KEY, Date.now() + 1e6), Status.ABSENT)
  driver.delete(KEY)
  driver.delete('never was')
  assert.equal(readdirSync(driver.options.directory), [KEY])
})

tombstones('the rename of an update that had looked before the delete fails, in the kernel', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place(KEY)
  driver.save(KEY, 'before')
  const stale = `${driver.options.directory}/stale`
  writeFileSync(stale, 'looked, and was about to rename')
  driver.delete(KEY)
  assert.throws(() => rename(stale, place.file), /EISDIR/)
  assert.is(driver.load(KEY), undefined)
  assert.ok(isTombstone(lstatSync(place.file)))
})

for (const [name, opcode] of [
  ['create', Opcode.CREATE],
  ['save', Opcode.SAVE],
] as const) {
  for (const fsync of [false, true]) {
    tombstones(`a ${name} brings the key back${fsync ? ', with fsync' : ''}`, () => {
      const driver = new StorageDriver({ layout: 'flat', fsync })
      driver.save(KEY, 'first')
      driver.delete(KEY)
      assert.is(driver.one({ opcode, key: KEY, text: 'second' }).status, Status.DONE)
      assert.equal(readdirSync(driver.options.directory), [KEY])
      assert.is(driver.update(KEY, 'third'), Status.DONE)
      assert.is(driver.load(KEY), 'third')
    })
  }
}

tombstones('a delete takes over the claim that a crash left, and does without one that cannot be had', () => {
  for (const leave of ['file', 'directory'] as const) {
    const driver = new StorageDriver({ layout: 'flat' })
    const place = driver.place(KEY)
    driver.save(KEY, 'x')
    if (leave === 'file') writeFileSync(place.claim, '')
    else mkdirSync(place.claim)
    later(2 * CLAIM_LIFE, () => assert.is(driver.delete(KEY), Status.DONE))
    assert.is(driver.load(KEY), undefined)
    assert.ok(isTombstone(lstatSync(place.file)))
    assert.is(existsSync(place.claim), leave === 'directory')
  }
})

tombstones('goes with the first batch after its life', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'x')
  driver.delete(KEY)
  later(TOMBSTONE_LIFE - 100, () => driver.exists('other'))
  assert.ok(existsSync(driver.place(KEY).file))
  later(TOMBSTONE_LIFE + 100, () => driver.exists('other'))
  assert.equal(readdirSync(driver.options.directory), [])
})

tombstones('lives its life again when the key is deleted again, also by another process', () => {
  for (const second of ['same', 'other'] as const) {
    const driver = new StorageDriver({ layout: 'flat' })
    const again =
      second === 'same' ? driver : new StorageDriver({ layout: 'flat', directory: driver.options.directory })
    driver.save(KEY, 'x')
    later(-TOMBSTONE_LIFE, () => driver.delete(KEY))
    driver.save(KEY, 'y')
    again.delete(KEY)
    driver.exists('something else')
    assert.ok(existsSync(driver.place(KEY).file), `deleted again by the ${second} process`)
  }
})

tombstones('taking one away spares the session that has come since', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'x')
  driver.delete(KEY)
  driver.create(KEY, 'back')
  later(2 * TOMBSTONE_LIFE, () => driver.exists('other'))
  driver.storage.close()
  assert.is(driver.load(KEY), 'back')
  assert.not.ok(exhume(driver.place(KEY).file))
})

tombstones('all are taken away at close, none of them at once', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  for (let index = 0; index < 20; index++) {
    driver.save(`k${index}`, 'x')
    driver.delete(`k${index}`)
  }
  driver.save('stays', 'x')
  const started = performance.now()
  driver.storage.close()
  assert.equal(readdirSync(driver.options.directory), ['stays'])
  assert.ok(performance.now() - started >= 40, 'an update that is under way has to find them')
  driver.storage.close()
})

tombstones('past so many the oldest go early', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const stones = new Tombstones(10)
  const placeOf = (index: number) => driver.place(`m${index}`)
  for (let index = 0; index <= 10; index++) {
    writeFileSync(placeOf(index).file, '')
    stones.bury(driver.layout, placeOf(index))
  }
  assert.not.ok(existsSync(placeOf(0).file))
  assert.ok(existsSync(placeOf(1).file))
})

tombstones('one that somebody has put something into is not one to be taken away', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const stones = new Tombstones()
  const { file } = driver.place(KEY)
  driver.save(KEY, 'x')
  stones.bury(driver.layout, driver.place(KEY))
  writeFileSync(`${file}/inside`, '')
  later(2 * TOMBSTONE_LIFE, () => stones.collect())
  assert.ok(existsSync(`${file}/inside`))
})

tombstones('a directory without the sticky bit is none: it is set aside, and told', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const { file } = driver.place(KEY)
  mkdirSync(file, 0o700)
  assert.not.ok(isTombstone(statSync(file)))
  assert.is(liveness(OWN_FORMAT, file, Date.now()), 'alien')
  rmdirSync(file)
  assert.is(liveness(OWN_FORMAT, file, Date.now()), 'absent')
})

tombstones.run()
