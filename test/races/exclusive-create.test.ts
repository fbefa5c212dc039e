import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import type { Settled } from './engine-messages.js'
import { EngineProcess } from './engine-process.js'

const creation = suite('exclusive create over 4 processes')

const PROCESSES = 4
const KEYS = Array.from({ length: 500 }, (_, index) => `session-${index}`)

/** All processes create all keys at once; exactly one wins each, and the stored session is the winner's. */
async function race(
  directory: string,
  layout: 'flat' | 'sharded',
  rounds: number,
  prepare: () => void,
): Promise<void> {
  const processes = await EngineProcess.openAll(PROCESSES, { directory, layout })
  try {
    for (let round = 0; round < rounds; round++) {
      prepare()
      const all = await Promise.all(
        processes.map((remote, index) =>
          remote.run(KEYS.map((key) => ({ method: 'create', key, session: { winner: index, key } }))),
        ),
      )
      const outcomes = all as readonly (readonly Settled[])[]
      const engine = new SessionEngine({
        storage: files({ directory, layout }),
        threads: 1,
        sweepInterval: false,
      })
      await Promise.all(
        KEYS.map(async (key, at) => {
          const winners = outcomes.flatMap((settled, index) =>
            'value' in (settled[at] as Settled) ? [index] : [],
          )
          const errors = outcomes.flatMap((settled) => {
            const one = settled[at] as Settled
            return 'error' in one ? [one.error] : []
          })
          assert.is(winners.length, 1, `${key} has the winners ${winners} in round ${round}`)
          assert.ok(
            errors.every((error) => error === 'CreateError'),
            errors.join(),
          )
          assert.equal(await engine.load(key), { winner: winners[0], key })
          await engine.delete(key)
        }),
      )
      await engine.close()
    }
    await Promise.all(processes.map((remote) => remote.close()))
    const litter = filesBelow(directory)
    assert.equal(litter, [])
  } finally {
    await Promise.all(processes.map((remote) => remote.kill()))
  }
}

for (const layout of ['flat', 'sharded'] as const) {
  creation(`one wins where there is nothing (${layout})`, async () => {
    await race(temporaryDirectory('memory'), layout, 1, () => undefined)
  })
}

creation('one wins where an expired session lies', async () => {
  const directory = temporaryDirectory('memory')
  const driver = new StorageDriver({ directory, layout: 'flat' })
  await race(directory, 'flat', 2, () => {
    for (const key of KEYS) driver.save(key, 'expired', Date.now() - 1000)
  })
})

creation.run()
