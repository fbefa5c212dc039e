import { readFileSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSessionFile } from '#dist/workers/files/inspect/session-file.js'
import { OWN_FORMAT } from '#dist/workers/files/own-format.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { interrupt } from '../cut-points.js'
import { StorageDriver } from '../storage-driver.js'

const test = suite('an inspection beside a touch')

test('an expiry that is half written at any call is read again', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  driver.save('a', 'text')
  const { file } = driver.place('a')
  const bytes = readFileSync(file)
  const halfWritten = Buffer.from(bytes)
  halfWritten.writeUInt16LE(bytes.readUInt16LE(8) ^ 0xffff, 8)
  for (const depth of ['header', 'whole'] as const) {
    let calls = 1
    for (let at = 0; at < calls; at++) {
      let kind = ''
      calls = interrupt(
        () => {
          kind = readSessionFile(file, OWN_FORMAT, depth).kind
        },
        (call) => {
          if (call === at) writeFileSync(file, halfWritten)
          else if (call === at + 1) writeFileSync(file, bytes)
        },
      )
      assert.is(kind, 'record', `${depth}, call ${at}`)
      writeFileSync(file, bytes)
    }
    assert.ok(calls >= 4, 'open, fstat, read, close')
  }
})

test('one that stays so is damage', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  driver.save('a', 'text')
  const { file } = driver.place('a')
  const bytes = readFileSync(file)
  bytes.writeUInt16LE(bytes.readUInt16LE(8) ^ 0xffff, 8)
  writeFileSync(file, bytes)
  for (const depth of ['header', 'whole'] as const) {
    assert.equal(readSessionFile(file, OWN_FORMAT, depth), {
      kind: 'corrupt',
      reason: 'expiry does not match its check',
    })
  }
})

test.run()
