import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { files, json, SessionEngine, StorageError, UpdateError } from 'coatcheck'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Outside } from './plants.js'
import type { Swaps } from './swap-child.js'

const ROUNDS = budget({ usual: 150, full: 3000 })
/** How often each kind of thing has to have come into the place. */
const SWAPS = 20
const KEY = 'abcdefghijklmnopqrstuvwxyz012345'

/** What an engine may say of a place that is never the same twice. */
function expected(error: unknown): undefined {
  if (error instanceof StorageError || error instanceof UpdateError) return undefined
  throw error
}

test('while a place is swapped for a link, a FIFO and a directory, nothing is read or written elsewhere', async () => {
  const parent = temporaryDirectory()
  const outside = new Outside(`${parent}/outside`, KEY.length, 2, Buffer.from('{"theirs":true}'))
  const engine = new SessionEngine({
    storage: files({ directory: `${parent}/s`, layout: 'flat' }),
    codec: json(),
    threads: 2,
    sweepInterval: false,
  })
  let child: ChildProcess | undefined
  try {
    await engine.save(KEY, { mine: 0 })
    copyFileSync(`${parent}/s/${KEY}`, `${parent}/session`)
    child = fork(new URL('swap-child.js', import.meta.url), [
      `${parent}/s/${KEY}`,
      outside.path,
      `${parent}/session`,
    ])
    let swaps: Partial<Swaps> = {}
    const isEnough = (): boolean =>
      (['link', 'FIFO', 'session', 'directory'] as const).every((kind) => (swaps[kind] ?? 0) >= SWAPS)
    child.on('message', (message: Swaps) => {
      swaps = message
    })
    await once(child, 'message')
    let found = 0
    for (let round = 0; round < ROUNDS || (!isEnough() && round < 20 * ROUNDS); round++) {
      const session = await engine.load(KEY).catch(expected)
      if (session !== undefined) {
        assert.ok('mine' in session, 'a session from elsewhere was read')
        found++
      }
      await engine.touch(KEY, { maxAge: 100 + round }).catch(expected)
      await engine.update(KEY, { mine: round }).catch(expected)
      await engine.save(KEY, { mine: round }).catch(expected)
      await engine.exists(KEY).catch(expected)
      if (round % 8 === 0) await engine.delete(KEY).catch(expected)
      if (round % 16 === 0) await engine.clearExpired().catch(expected)
    }
    assert.ok(found > 0, 'nothing was ever found')
    assert.is(child.exitCode ?? child.signalCode, null, 'nothing was swapped any more')
    assert.ok(isEnough(), `what was swapped: ${JSON.stringify(swaps)}`)
    assert.ok(outside.isUntouched, 'something was written elsewhere')
  } finally {
    child?.kill('SIGKILL')
    await engine.close()
  }
})

test.run()
