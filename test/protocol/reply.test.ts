import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type CorruptNotice,
  describeFailure,
  errorCode,
  type Failure,
  hasCode,
  payloadAt,
  ReplyReader,
  ReplyWriter,
  Status,
  systemError,
} from '#dist/workers/protocol/index.js'

const reply = suite('reply')

const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const slotAnswer = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom(Status.DONE, Status.ABSENT, Status.CONFLICT),
  }),
  fc.record({
    kind: fc.constant('failure' as const),
    code: fc.string(),
    message: fc.string({ unit: 'binary' }),
  }),
  fc.record({
    kind: fc.constant('record' as const),
    payload: fc.uint8Array({ maxLength: 100 }),
    expiry: fc.double({ noNaN: true }),
    codec: uint32,
    writeId: fc.tuple(uint32, uint32),
  }),
)
const notice = fc.record({ reason: fc.string(), keptAs: fc.option(fc.string(), { nil: undefined }) })

reply('says nothing when every slot is done', () => {
  const writer = new ReplyWriter(9)
  writer.status(3, Status.DONE)
  assert.is(writer.finish(), null)
  assert.is(new ReplyWriter(0).finish(), null)
})

reply('comes out as it went in', () => {
  fc.assert(
    fc.property(
      fc.array(slotAnswer, { minLength: 1, maxLength: 30 }),
      fc.array(notice, { maxLength: 3 }),
      (answers, notices) => {
        const writer = new ReplyWriter(answers.length)
        answers.forEach((answer, slot) => {
          if (answer.kind === 'status') writer.status(slot, answer.status)
          else if (answer.kind === 'failure')
            writer.fail({ slot, code: answer.code, syscall: 'write', message: answer.message })
          else
            writer.record(
              { slot, expiry: answer.expiry, codec: answer.codec, writeId: answer.writeId },
              answer.payload,
            )
        })
        for (const one of notices) writer.corrupt(one)
        const wire = writer.finish()
        if (wire === null) {
          assert.is(notices.length, 0)
          assert.ok(answers.every((answer) => answer.kind === 'status' && answer.status === Status.DONE))
          return
        }
        const reader = new ReplyReader(wire)
        const { failures, corrupt } = reader.report()
        const told: Failure[] = []
        answers.forEach((answer, slot) => {
          const record = reader.record(slot)
          assert.is(record !== undefined, answer.kind === 'record')
          if (answer.kind === 'status') assert.is(reader.status(slot), answer.status)
          if (answer.kind === 'failure') {
            assert.is(reader.status(slot), Status.FAILED)
            told.push({ slot, code: answer.code, syscall: 'write', message: answer.message })
          }
          if (answer.kind !== 'record' || record === undefined) return
          assert.is(reader.status(slot), Status.DONE)
          assert.ok(Buffer.from(payloadAt(record)).equals(answer.payload))
          assert.ok(Object.is(record.expiry, answer.expiry))
          assert.is(record.codec, answer.codec)
          assert.equal(record.writeId, answer.writeId)
        })
        assert.equal(failures, told)
        assert.equal(
          corrupt,
          notices.map(
            ({ reason, keptAs }): Partial<CorruptNotice> =>
              keptAs === undefined ? { reason } : { reason, keptAs },
          ),
        )
      },
    ),
    { numRuns: 400 },
  )
})

reply('a slot that the reply does not know has failed', () => {
  const writer = new ReplyWriter(1)
  writer.status(0, Status.ABSENT)
  const wire = writer.finish() as ArrayBuffer
  // Next to those that it knows is its padding, which reads like `DONE`.
  for (const slot of [1, 7, 8, 99]) assert.is(new ReplyReader(wire).status(slot), Status.FAILED)
  assert.equal(new ReplyReader(wire).report(), { failures: [], corrupt: [] })
})

reply('a failure tells code, call and reason, and never a path', () => {
  const system = Object.assign(new Error("ENOSPC: no space left on device, open '/sessions/secret-key'"), {
    code: 'ENOSPC',
    syscall: 'open',
  })
  assert.equal(describeFailure(4, system), {
    slot: 4,
    code: 'ENOSPC',
    syscall: 'open',
    message: 'ENOSPC: no space left on device, open',
  })
  const pathAlone = Object.assign(new Error('/sessions/secret-key'), { code: 'EIO' })
  assert.not.match(describeFailure(0, pathAlone).message, 'secret')
  assert.not.match(describeFailure(0, new Error('secret-key')).message, 'secret')
  assert.not.match(describeFailure(0, 'secret-key').message, 'secret')
  assert.is(describeFailure(0, 'thrown').code, 'UNKNOWN')
  const own = systemError('EIO', 'write', 'the disk takes no more bytes')
  assert.equal(describeFailure(1, own), {
    slot: 1,
    code: 'EIO',
    syscall: 'write',
    message: 'EIO: the disk takes no more bytes, write',
  })
})

reply('codes of system errors are told, and of nothing else', () => {
  assert.is(errorCode(systemError('EIO', 'read', 'x')), 'EIO')
  assert.is(errorCode(new Error('x')), undefined)
  assert.is(errorCode(Object.assign(new Error('x'), { code: 5 })), undefined)
  assert.is(errorCode({ code: 'EIO' }), undefined)
  assert.ok(hasCode(systemError('EIO', 'read', 'x'), 'ENOENT', 'EIO'))
  assert.not.ok(hasCode(systemError('EIO', 'read', 'x'), 'ENOENT'))
  assert.not.ok(hasCode(undefined, 'ENOENT'))
})

reply.run()
