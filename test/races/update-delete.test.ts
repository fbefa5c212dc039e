import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import type { Call, Settled } from './engine-messages.js'
import { EngineProcess } from './engine-process.js'

const races = suite('updates against deletes over 4 processes')

const KEYS = Array.from({ length: 120 }, (_, index) => `session-${index}`)
const ROUNDS = 4

const issue = (method: Call['method'], key: string, text?: string): Call =>
  text === undefined ? { method, key } : { method, key, session: { text } }

const nameOf = (settled: Settled | undefined): string => {
  if (settled === undefined) return 'nothing'
  return 'error' in settled ? settled.error : 'done'
}

races(
  'a session whose delete has settled stays deleted, and every update knows whether it took effect',
  async () => {
    const directory = temporaryDirectory('memory')
    const processes = await EngineProcess.openAll(4, { directory, layout: 'flat' })
    const [deleter, ...updaters] = processes as [EngineProcess, ...EngineProcess[]]
    const check = new StorageDriver({ directory, layout: 'flat' })
    let undone = 0
    let done = 0
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const created = await deleter.run(KEYS.map((key) => issue('save', key, 'created')))
        assert.ok(created.every((settled) => nameOf(settled) === 'done'))
        // Each updater goes over the keys three times, in orders of their own, while they are being deleted.
        const updates = updaters.map((remote, index) =>
          Promise.all(
            [0, 1, 2].map((turn) => {
              const start = (index * 40 + turn * 17) % KEYS.length
              const order = [...KEYS.slice(start), ...KEYS.slice(0, start)]
              return remote.run(order.map((key) => issue('update', key, `${index} in turn ${turn}`)))
            }),
          ),
        )
        const deletes = await deleter.run(KEYS.map((key) => issue('delete', key)))
        // Updates may still be under way; from here on nothing that is told may be a success.
        const late = await updaters[0]?.run(KEYS.map((key) => issue('update', key, 'after the delete')))
        const settled = (await Promise.all(updates)).flat(2)
        assert.ok(deletes.every((one) => nameOf(one) === 'done'))
        assert.equal([...new Set(late?.map(nameOf))], ['UpdateError'])
        for (const one of settled) {
          assert.ok(['done', 'UpdateError'].includes(nameOf(one)), nameOf(one))
          if (nameOf(one) === 'done') done++
          else undone++
        }
        for (const key of KEYS) assert.is(check.load(key), undefined, `${key} came back in round ${round}`)
        for (const remote of processes) {
          const found = await remote.run(KEYS.map((key) => issue('exists', key)))
          assert.ok(found.every((one) => 'value' in one && one.value === false))
        }
      }
      assert.ok(undone > 0, 'no update met a delete: nothing was tested')
      await Promise.all(processes.map((remote) => remote.close()))
      for (const key of KEYS)
        assert.is(check.load(key), undefined, `${key} came back when the engines were closed`)
      const sweeper = new StorageDriver({ directory, layout: 'flat', orphanGrace: 0 })
      sweeper.walk('sweep')
      assert.equal(filesBelow(directory), [], `${done} updates took effect`)
    } finally {
      await Promise.all(processes.map((remote) => remote.kill()))
    }
  },
)

races(
  'a key that is created again after its delete is only ever what was created or updated since',
  async () => {
    const directory = temporaryDirectory('memory')
    const processes = await EngineProcess.openAll(4, { directory, layout: 'flat' })
    const [owner, ...updaters] = processes as [EngineProcess, ...EngineProcess[]]
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await owner.run(KEYS.map((key) => issue('save', key, 'first')))
        const updates = updaters.map((remote) =>
          remote.run(KEYS.map((key) => issue('update', key, 'updated'))),
        )
        const told = await owner.run(
          KEYS.flatMap((key) => [issue('delete', key), issue('save', key, 'second')]),
        )
        assert.ok(told.every((settled) => nameOf(settled) === 'done'))
        const settled = await Promise.all(updates)
        const found = await owner.run(KEYS.map((key) => issue('load', key)))
        KEYS.forEach((key, index) => {
          const one = found[index]
          const text =
            one !== undefined && 'value' in one
              ? (one.value as { text?: string } | undefined)?.text
              : undefined
          const updated = settled.some((outcomes) => nameOf(outcomes[index]) === 'done')
          // What the last save stored is there, unless an update that says so came after it.
          assert.ok(
            text === 'second' || (text === 'updated' && updated),
            `${key} holds ${text} in round ${round}`,
          )
        })
      }
      await Promise.all(processes.map((remote) => remote.close()))
    } finally {
      await Promise.all(processes.map((remote) => remote.kill()))
    }
  },
)

races.run()
