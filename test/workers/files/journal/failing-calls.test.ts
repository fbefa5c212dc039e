import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failing } from '../cut-points.js'

// After cut-points.js, so that the journal gets the calls that can be made to fail.
const { JournalDriver } = await import('./journal-driver.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const test = suite('journal: each call of an append fails once')

for (const fsync of [false, true]) {
  for (const code of ['ENOSPC', 'EIO']) {
    test(`${code}${fsync ? ', fsync' : ''}: what was rejected is not there, what was acknowledged is`, () => {
      // With and without a segment to append to.
      for (const first of [false, true]) {
        for (let at = 0, more = true; more; at++) {
          const driver = new JournalDriver({ fsync })
          driver.save('a', 'before')
          if (first) driver.checkpoint()
          let outcomes: readonly { readonly status: number; readonly failure?: unknown }[] = []
          const failed = failing(
            () => {
              outcomes = driver.apply([
                { opcode: Opcode.SAVE, key: 'a', text: 'after' },
                { opcode: Opcode.CREATE, key: 'b', text: 'after' },
              ]).outcomes
            },
            at,
            code,
          )
          more = failed !== undefined
          const story = `call ${at}, ${failed}`
          const expected = outcomes.map(({ status }, index) =>
            status === Status.DONE ? 'after' : index === 0 ? 'before' : undefined,
          )
          for (const { status } of outcomes)
            assert.ok(status === Status.DONE || status === Status.FAILED, story)
          assert.equal([driver.load('a'), driver.load('b')], expected, story)
          // It goes on, and a crash changes nothing.
          assert.is(driver.save('c', 'later'), Status.DONE, story)
          driver.reopen()
          assert.equal([driver.load('a'), driver.load('b'), driver.load('c')], [...expected, 'later'], story)
          assert.equal(driver.replayed, [], story)
          if (!more) assert.equal(expected, ['after', 'after'])
        }
      }
    })
  }
}

test.run()
