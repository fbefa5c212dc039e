import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { ended, nextMessage, startProgram } from './child-program.js'

const readers = suite('readers in other processes during writes')

const KEYS = Array.from({ length: 12 }, (_, index) => `session-${index}`)
const WRITES = 60

interface Report {
  readonly loads: number
  readonly changes: number
  readonly faults: readonly string[]
}

readers('every read gives one complete version, and never an older one than before', async () => {
  const directory = temporaryDirectory('memory')
  const writer = startProgram('writer-child.js', { directory, keys: KEYS, from: {} })
  const children = [writer]
  try {
    await nextMessage(writer)
    const watching = [1, 2, 3].map(() => startProgram('reader-child.js', { directory, keys: KEYS }))
    children.push(...watching)
    await Promise.all(watching.map((child) => nextMessage(child)))
    for (let write = 0; write < WRITES; write++) await once(writer, 'message')
    const reports = watching.map((child) => nextMessage(child))
    for (const child of watching) child.send('stop')
    for (const { loads, changes, faults } of (await Promise.all(reports)) as Report[]) {
      assert.equal(faults, [])
      assert.ok(loads > KEYS.length && changes > KEYS.length, `${loads} loads saw ${changes} versions`)
    }
    writer.send('stop')
    await Promise.all(children.map((child) => ended(child)))
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})

readers.run()
