import { readdirSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { randomNonce, type Step } from '../storage-driver.js'
import { JournalDriver } from './journal-driver.js'

const test = suite('journal: replaces')

const KEY = 'k'

function driverOf(fsync = false): JournalDriver {
  return new JournalDriver({ fsync, directory: temporaryDirectory('memory') })
}

/** What may happen between two operations: nothing of it may be seen. */
const BETWEEN: Record<string, (driver: JournalDriver) => void> = {
  nothing: () => undefined,
  'a crash': (driver) => driver.crash(),
  'a checkpoint': (driver) => void driver.checkpoint(),
  'a checkpoint and a crash': (driver) => {
    driver.checkpoint()
    driver.crash()
  },
}

for (const [what, between] of Object.entries(BETWEEN)) {
  test(`with ${what} in between, a replace takes effect on the text that it was told`, () => {
    for (const fsync of [false, true]) {
      const driver = driverOf(fsync)
      assert.is(driver.replace(KEY, 'new', ''), Status.ABSENT)
      driver.save(KEY, 'old')
      between(driver)
      assert.is(driver.replace(KEY, 'new', 'another'), Status.SUPERSEDED)
      between(driver)
      assert.is(driver.load(KEY), 'old')
      assert.is(driver.replace(KEY, 'new', 'old'), Status.DONE)
      between(driver)
      assert.is(driver.load(KEY), 'new')
      assert.is(driver.replace(KEY, 'newer', 'old'), Status.SUPERSEDED)
      assert.is(driver.replace(KEY, 'x'.repeat(5_000), 'new'), Status.DONE)
      between(driver)
      assert.is(driver.load(KEY), 'x'.repeat(5_000))
      assert.is(driver.touch(KEY, Date.now() + 60_000), Status.DONE)
      between(driver)
      assert.is(driver.replace(KEY, '', 'x'.repeat(5_000)), Status.DONE)
      between(driver)
      assert.is(driver.update(KEY, 'updated'), Status.DONE)
      driver.delete(KEY)
      between(driver)
      assert.is(driver.replace(KEY, 'new', 'updated'), Status.ABSENT)
      driver.save(KEY, 'expired', 1000)
      between(driver)
      assert.is(driver.replace(KEY, 'new', 'expired'), Status.ABSENT)
      assert.is(driver.load(KEY), undefined)
      assert.equal(driver.replayed, [])
      assert.equal(driver.notices, [])
    }
  })

  test(`with ${what} in between, a replace that is done again knows what it has stored`, () => {
    const driver = driverOf()
    const nonce = randomNonce()
    const steps: readonly Step[] = [
      { opcode: Opcode.SAVE, key: 'mate', text: 'mate' },
      { opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'old' },
    ]
    driver.save(KEY, 'old')
    for (const attempt of [0, 1]) {
      assert.is(driver.apply(steps, attempt, nonce).outcomes[1]?.status, Status.DONE)
      between(driver)
    }
    assert.is(driver.apply(steps, 0, randomNonce()).outcomes[1]?.status, Status.SUPERSEDED)
    assert.is(driver.load(KEY), 'new')
  })
}

test('what a checkpoint is just writing can be replaced, and only once', () => {
  const driver = driverOf()
  driver.save(KEY, 'old')
  driver.checkpoint(() => {
    assert.is(driver.replace(KEY, 'new', 'another'), Status.SUPERSEDED)
    assert.is(driver.replace(KEY, 'new', 'old'), Status.DONE)
    assert.is(driver.replace(KEY, 'newer', 'old'), Status.SUPERSEDED)
  })
  assert.is(driver.load(KEY), 'new')
  driver.crash()
  assert.is(driver.load(KEY), 'new')
  driver.checkpoint()
  assert.is(driver.load(KEY), 'new')
  assert.equal(driver.segments, [])
})

test('what cannot be written to files is carried over with the version that has been replaced', () => {
  const driver = driverOf()
  driver.save(KEY, 'old')
  driver.replace(KEY, 'new', 'old')
  // Touched while it is being written: journaled anew, whole.
  driver.checkpoint(() => driver.touch(KEY, Date.now() + 60_000))
  driver.crash()
  assert.is(driver.load(KEY), 'new')
  assert.is(driver.replace(KEY, 'newer', 'new'), Status.DONE)
})

test('a file that is no session is moved aside and told of; there is nothing to replace', () => {
  const driver = driverOf()
  driver.save(KEY, 'old')
  driver.checkpoint()
  const { file, directory } = driver.place(KEY)
  writeFileSync(file, 'damaged')
  const { status, corrupt } = driver.one({ opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'old' })
  assert.is(status, Status.ABSENT)
  assert.is(corrupt.length, 1)
  assert.equal(
    readdirSync(directory).filter((name) => !name.includes('.corrupt-')),
    [],
  )
  assert.is(driver.create(KEY, 'new'), Status.DONE)
})

test.run()
