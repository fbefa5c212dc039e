import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { JournalDriver } from './journal/journal-driver.js'
import { HOUR, randomNonce, StorageDriver } from './storage-driver.js'

/* What an operation finds that is tried again because a worker died with it, where it has ended a session before. */

const again = suite('operations tried again that end sessions')

for (const [where, make] of [
  ['files', () => new StorageDriver()],
  ['journal', () => new JournalDriver()],
] as const) {
  again(`${where}: a write that is over at once, tried again, is told as it was done the first time`, () => {
    const driver = make()
    const over = { key: 'k', text: 'over', expiry: 1000 }
    for (const step of [
      { ...over, opcode: Opcode.CREATE },
      { ...over, opcode: Opcode.UPDATE },
      { ...over, opcode: Opcode.SAVE },
      { ...over, opcode: Opcode.REPLACE, was: 'before' },
    ]) {
      driver.delete('k')
      if (step.opcode !== Opcode.CREATE) driver.save('k', 'before')
      const nonce = randomNonce()
      for (const attempt of [0, 1])
        assert.is(driver.apply([step], attempt, nonce).outcomes[0]?.status, Status.DONE, `${step.opcode}`)
      assert.is(driver.load('k'), undefined)
    }
  })

  again(
    `${where}: a write that was over at once and is swept, tried again, does not say that it was not done`,
    () => {
      const driver = make()
      driver.delete('k')
      for (const step of [
        { opcode: Opcode.UPDATE, key: 'k', text: 'x' },
        { opcode: Opcode.REPLACE, key: 'k', text: 'x', was: 'before' },
      ]) {
        const over = driver.apply([{ ...step, expiry: 1000 }], 1, randomNonce()).outcomes[0]
        assert.equal([over?.status, over?.failure?.code], [Status.FAILED, 'WORKER_LOST'])
        assert.is(
          driver.apply([{ ...step, expiry: 1000 }], 0, randomNonce()).outcomes[0]?.status,
          Status.ABSENT,
        )
        // One that would be alive still has done nothing where there is none.
        const longer = { ...step, expiry: Date.now() + HOUR }
        assert.is(driver.apply([longer], 1, randomNonce()).outcomes[0]?.status, Status.ABSENT)
      }
    },
  )

  again(`${where}: a touch to the past, tried again, does not say that there was no session`, () => {
    const driver = make()
    const touch = { opcode: Opcode.TOUCH, key: 'k', expiry: 1000 }
    driver.save('k', 'before')
    const nonce = randomNonce()
    assert.is(driver.apply([touch], 0, nonce).outcomes[0]?.status, Status.DONE)
    const second = driver.apply([touch], 1, nonce).outcomes[0]
    assert.equal([second?.status, second?.failure?.code], [Status.FAILED, 'WORKER_LOST'])
    assert.is(driver.apply([touch], 0, randomNonce()).outcomes[0]?.status, Status.ABSENT)
    driver.save('k', 'once more')
    assert.is(driver.apply([touch], 1, randomNonce()).outcomes[0]?.status, Status.DONE)
    assert.is(driver.load('k'), undefined)
    // One that would have kept it alive has done nothing where there is none.
    const longer = { ...touch, expiry: Date.now() + HOUR }
    assert.is(driver.apply([longer], 1, randomNonce()).outcomes[0]?.status, Status.ABSENT)
  })
}

again.run()
