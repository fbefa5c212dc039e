import { existsSync, readdirSync } from 'node:fs'
import { getPriority } from 'node:os'
import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'

const priorities = suite('engine: who gives way to whom')
const hasThreads = skipWhere(existsSync('/proc/thread-self') ? undefined : 'threads have no priorities here')

/** How much each thread of this process gives way, beyond what all of it does. */
function nicenesses(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return [getPriority(Number(thread)) - getPriority()]
    } catch {
      // It has ended meanwhile.
      return []
    }
  })
}

function count(niceness: number): number {
  // Nobody can be asked for more than 19 in all.
  const most = Math.min(niceness, 19 - getPriority())
  return nicenesses().filter((one) => one === most).length
}

hasThreads(priorities, 'those who write files behind a journal, and the sweep', async () => {
  const engine = new SessionEngine({
    storage: files({ directory: temporaryDirectory('memory'), durability: 'journal' }),
    threads: 2,
    sweepInterval: false,
  })
  try {
    await engine.ready()
    assert.is(count(5), 2)
    assert.is(count(10), 0)
    await engine.clearExpired()
    assert.is(count(10), 1)
  } finally {
    await engine.close()
  }
})

hasThreads(priorities, 'nobody whom a save waits for', async () => {
  const engine = new SessionEngine({
    directory: temporaryDirectory('memory'),
    threads: 2,
    sweepInterval: false,
  })
  try {
    await engine.ready()
    await engine.save('key', { visits: 1 })
    assert.is(nicenesses().filter((niceness) => niceness > 0).length, 0)
  } finally {
    await engine.close()
  }
})

priorities.run()
