import { copyFileSync, existsSync, openSync, renameSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealBinding } from '#dist/workers/seal/index.js'
import { sealBy } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { refusing } from './cut-points.js'
import type { StorageDriver as Driver, StepOutcome } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be watched.
const { HOUR, StorageDriver } = await import('./storage-driver.js')
const { composeExpiry, EXPIRY_OFFSET } = await import('#dist/workers/record/record.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const rounds = suite('who never gets his way gives way')

const KEY = 'k'
/** More than anybody should try. */
const FOR_EVER = 200

function driverIn(options: { readonly seal?: SealBinding } = {}): Driver {
  return new StorageDriver({ layout: 'flat', directory: temporaryDirectory('memory'), ...options })
}

/** What a task is told while something happens in front of each call of a name. */
function whileEach<Result>(name: string, intrude: () => void, task: () => Result): Result {
  let times = 0
  return refusing(task, (call) => {
    if (call !== name) return undefined
    if (++times > FOR_EVER) return 'ETIMEDOUT'
    intrude()
    return undefined
  })
}

function assertBusy({ status, failure }: StepOutcome): void {
  assert.equal([status, failure?.code], [Status.FAILED, 'EBUSY'])
}

rounds('a touch that finds another file in the place each time', () => {
  const driver = driverIn({ seal: sealBy(1) })
  driver.save(KEY, 'text', Date.now() + HOUR)
  const { file } = driver.place(KEY)
  const other = `${driver.options.directory}/.other`
  const replaced = (): void => {
    copyFileSync(file, other)
    renameSync(other, file)
  }
  const touch = { opcode: Opcode.TOUCH, key: KEY, expiry: Date.now() + 2 * HOUR }
  assertBusy(whileEach('lstatSync', replaced, () => driver.one(touch)))
  assert.is(driver.load(KEY), 'text')
})

rounds('a touch whose expiry is overtaken each time', () => {
  const driver = driverIn()
  driver.save(KEY, 'text', Date.now() + 5 * HOUR)
  const descriptor = openSync(driver.place(KEY).file, 'r+')
  let latest = Date.now() + 2 * HOUR
  const overtaken = (): void => {
    latest += HOUR
    writeSync(descriptor, composeExpiry(latest), 0, 8, EXPIRY_OFFSET)
  }
  const touch = { opcode: Opcode.TOUCH, key: KEY, expiry: Date.now() + HOUR }
  assertBusy(whileEach('futimesSync', overtaken, () => driver.one(touch)))
  assert.is(driver.load(KEY), 'text')
})

rounds('a delete that meets another update each time', () => {
  const driver = driverIn()
  driver.save(KEY, 'text')
  driver.update(KEY, 'updated')
  const { file } = driver.place(KEY)
  const kept = `${driver.options.directory}/.kept`
  copyFileSync(file, kept)
  const updated = (): void => copyFileSync(kept, file)
  assertBusy(whileEach('mkdirSync', updated, () => driver.one({ opcode: Opcode.DELETE, key: KEY })))
  assert.is(driver.delete(KEY), Status.DONE)
  assert.is(driver.load(KEY), undefined)
})

rounds('a load that finds a claim each time, and each time a young one', () => {
  const driver = driverIn()
  const { claim } = driver.place(KEY)
  writeFileSync(claim, '')
  const [now, later] = [new Date(), new Date(Date.now() + HOUR)]
  let looks = 0
  // Whatever is changed of a file makes it young.
  const found = refusing(
    () => driver.load(KEY),
    (call) => {
      if (call === 'lstatSync') utimesSync(claim, now, looks++ % 2 === 0 ? now : later)
      return undefined
    },
  )
  assert.is(found, undefined)
  assert.ok(looks > 2, String(looks))
  assert.ok(existsSync(claim))
})

rounds.run()
