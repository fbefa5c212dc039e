import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode } from '#dist/workers/protocol/index.js'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import { ended, nextMessage, startProgram } from './child-program.js'
import { versionOf } from './versions.js'
import type { Acknowledged } from './writer-child.js'

const killing = suite('a writer killed at random moments')

const KEYS = Array.from({ length: 24 }, (_, index) => `session-${index}`)
const ROUNDS = budget({ usual: 6, full: 60 })

killing('leaves no torn session, loses no acknowledged save, and its litter is swept', async () => {
  const directory = temporaryDirectory('memory')
  const stored: Record<string, number> = {}
  let orphans = 0
  for (let round = 0; round < ROUNDS; round++) {
    const writer = startProgram('writer-child.js', { directory, keys: KEYS, from: stored })
    const acknowledged: Record<string, number> = { ...stored }
    writer.on('message', (told: Acknowledged) => Object.assign(acknowledged, told))
    try {
      await nextMessage(writer)
      // A moment of its own for each round: after so many turns of our event loop, in the middle of its work.
      for (let turn = 0; turn < (round * 7919) % 997; turn++) await new Promise(setImmediate)
    } finally {
      writer.kill('SIGKILL')
      await Promise.all([ended(writer), writer.connected ? once(writer, 'disconnect') : undefined])
    }
    const driver = new StorageDriver({ directory, orphanGrace: 0 })
    for (const key of KEYS) {
      const { text, corrupt } = driver.one({ opcode: Opcode.LOAD, key })
      assert.equal(corrupt, [])
      const version = versionOf(key, JSON.parse(text ?? 'null'))
      assert.ok(
        version >= (acknowledged[key] ?? 0),
        `${key}: ${version} is stored, ${acknowledged[key]} was acknowledged`,
      )
      stored[key] = version
    }
    orphans += driver.walk('sweep').orphans
    assert.is(
      filesBelow(directory).length,
      KEYS.length,
      `litter after round ${round}: ${filesBelow(directory)}`,
    )
  }
  console.log(`${orphans} orphans swept after ${ROUNDS} kills`)
})

killing.run()
