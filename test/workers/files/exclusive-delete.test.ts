import { lstatSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sealBy } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { interleave } from './cut-points.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { HOUR, StorageDriver } = await import('./storage-driver.js')
const { putBack } = await import('#dist/workers/files/put-back.js')
const { Status } = await import('#dist/workers/protocol/index.js')

const deletes = suite('deletes behind a journal')

const KEY = 'k'
const OLD = sealBy(1)
const BOTH = sealBy(2, 1)
/** Calls that a sweep needs no longer than: a delete that waits for it makes more. */
const SHORT_WHILE = 6

for (const seal of [undefined, OLD]) {
  const how = seal === undefined ? '' : ', sealed'

  deletes(`a sweep that has taken the session out of its place cannot bring it back${how}`, () => {
    const sealed = seal === undefined ? {} : { seal }
    const driver = new StorageDriver({
      layout: 'flat',
      directory: temporaryDirectory('memory'),
      exclusive: true,
      ...sealed,
    })
    const place = driver.place(KEY)
    for (let at = 0, calls = 1; at < calls; at++) {
      driver.save(KEY, 'newer than what the sweep has seen')
      // What a sweep does with it, from the moment when it has looked on.
      const taken = place.beside(`taken-${'1'.repeat(24)}-1`)
      let isTaken = false
      const take = (): void => {
        // It has none while somebody else has the claim.
        if (readdirSync(driver.options.directory).includes(`.${KEY}.claim`)) return
        if (lstatSync(place.file, { throwIfNoEntry: false })?.isFile() !== true) return
        writeFileSync(place.claim, '')
        renameSync(place.file, taken)
        isTaken = true
      }
      const giveUp = (): void => {
        if (!isTaken) return
        isTaken = false
        putBack(taken, place.file)
        rmSync(place.claim)
      }
      let told: number | undefined
      const made = interleave(() => {
        told = driver.delete(KEY)
      }, [
        { at, run: take },
        { at: at + SHORT_WHILE, run: giveUp },
      ])
      if (at === 0) calls = made
      giveUp()
      assert.is(told, Status.DONE)
      assert.is(driver.load(KEY), undefined, `at ${at}`)
    }
  })
}

deletes('a session that is deleted while its sealing anew stands still for long stays deleted', () => {
  const directory = temporaryDirectory('memory')
  const [old, both] = [OLD, BOTH].map(
    (seal) => new StorageDriver({ layout: 'flat', directory, exclusive: true, seal }),
  ) as [InstanceType<typeof StorageDriver>, InstanceType<typeof StorageDriver>]
  const { now } = Date
  let calls = 0
  for (let at = 0; ; at++) {
    for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`, { recursive: true })
    old.save(KEY, 'old', now() + 5 * HOUR)
    let told: number | undefined
    const run = (): void => {
      // By now everybody takes the claim for left behind.
      Date.now = () => now() + 1000
      // It pauses when it has taken away what was left behind, and within another operation it cannot.
      for (let round = 0; round < 2 && told !== Status.DONE; round++) told = both.delete(KEY)
    }
    try {
      calls = interleave(() => both.walk('reseal'), [{ at, run }])
    } finally {
      Date.now = now
    }
    if (told === undefined) break
    assert.is(told, Status.DONE, `at ${at}`)
    assert.is(both.load(KEY), undefined, `at ${at}`)
    Date.now = () => now() + 2 * HOUR
    try {
      both.walk('sweep')
    } finally {
      Date.now = now
    }
    assert.equal(readdirSync(directory), [], `at ${at}`)
  }
  assert.ok(calls > 20, `${calls} calls`)
})

deletes.run()
