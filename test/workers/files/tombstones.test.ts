import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TOMBSTONE_LIFE, Tombstones } from '#dist/workers/files/tombstones.js'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { filesBelow, StorageDriver } from './storage-driver.js'

const tombstones = suite('tombstones')

const KEY = 'k'
const realPerformanceNow = performance.now.bind(performance)
const realDateNow = Date.now

/** Lets both clocks be so many milliseconds ahead while the task runs. */
function later(milliseconds: number, task: () => void): void {
  performance.now = () => realPerformanceNow() + milliseconds
  Date.now = () => realDateNow() + milliseconds
  try {
    task()
  } finally {
    performance.now = realPerformanceNow
    Date.now = realDateNow
  }
}

tombstones('a delete is one rename: the session is gone and its tombstone is there', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'x')
  driver.delete(KEY)
  assert.equal(filesBelow(driver.options.directory), [`.${KEY}.gone`])
  driver.delete('never was')
  assert.equal(filesBelow(driver.options.directory), [`.${KEY}.gone`])
})

tombstones('an update that put its file in place after the delete takes it back', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'before')
  // As if the delete had come between the update's look and its rename.
  writeFileSync(driver.place(KEY).tombstone, '')
  assert.is(driver.update(KEY, 'stale'), Status.ABSENT)
  assert.is(driver.load(KEY), undefined)
  assert.is(readFileSync(driver.place(KEY).file).length, 0)
  assert.is(driver.update(KEY, 'again'), Status.ABSENT)
})

for (const [name, opcode] of [
  ['create', Opcode.CREATE],
  ['save', Opcode.SAVE],
] as const) {
  for (const fsync of [false, true]) {
    tombstones(
      `a ${name} that brings the key back takes the tombstone away${fsync ? ', with fsync' : ''}`,
      () => {
        const driver = new StorageDriver({ layout: 'flat', fsync })
        driver.save(KEY, 'first')
        driver.delete(KEY)
        assert.is(driver.one({ opcode, key: KEY, text: 'second' }).status, Status.DONE)
        assert.equal(filesBelow(driver.options.directory), [KEY])
        assert.is(driver.update(KEY, 'third'), Status.DONE)
        assert.is(driver.load(KEY), 'third')
      },
    )
  }
}

tombstones('goes with the first batch after its life', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  driver.save(KEY, 'x')
  driver.delete(KEY)
  later(TOMBSTONE_LIFE - 100, () => driver.exists('other'))
  assert.ok(existsSync(driver.place(KEY).tombstone))
  later(TOMBSTONE_LIFE + 100, () => driver.exists('other'))
  assert.equal(filesBelow(driver.options.directory), [])
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
    assert.ok(existsSync(driver.place(KEY).tombstone), `deleted again by the ${second} process`)
  }
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
  assert.equal(filesBelow(driver.options.directory), ['stays'])
  assert.ok(performance.now() - started >= 40, 'an update that is under way has to find them')
  driver.storage.close()
})

tombstones('past ten thousand the oldest go early', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const stones = new Tombstones()
  driver.save('model', 'x')
  const placeOf = (index: number) => ({
    ...driver.place('model'),
    file: driver.place(`m${index}`).file,
    tombstone: driver.place(index === 0 ? 'first' : 'others').tombstone + (index === 0 ? '' : index),
  })
  for (let index = 0; index <= 10_000; index++) {
    writeFileSync(placeOf(index).file, '')
    stones.bury(placeOf(index))
  }
  assert.not.ok(existsSync(placeOf(0).tombstone))
  assert.ok(existsSync(placeOf(1).tombstone))
})

tombstones('one that cannot be taken away is left to the sweep', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const stones = new Tombstones()
  const place = driver.place(KEY)
  driver.save(KEY, 'x')
  stones.bury(place)
  rmSync(place.tombstone)
  mkdirSync(place.tombstone)
  later(2 * TOMBSTONE_LIFE, () => stones.collect())
  assert.ok(existsSync(place.tombstone))
})

tombstones.run()
