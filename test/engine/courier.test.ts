import { StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Batch } from '#dist/src/engine/batch.js'
import { type BatchCarrier, WorkerLostError } from '#dist/src/engine/batch-carrier.js'
import type { Demand } from '#dist/src/engine/caller.js'
import { Courier } from '#dist/src/engine/courier.js'
import { ticks } from '#dist/src/engine/ticks.js'
import {
  type CorruptNotice,
  keyHash,
  Opcode,
  payloadAt,
  ReplyWriter,
  RequestReader,
  RequestWriter,
  Status,
} from '#dist/workers/protocol/index.js'
import { rejection } from '../conformance/rejections.js'

const test = suite('engine: courier')

/** Workers that answer as they are told, and what they were handed: the keys of each batch, and how long it has waited. */
class Scripted implements BatchCarrier {
  readonly handed: string[][] = []
  readonly ages: number[] = []
  readonly #answer: (request: RequestReader, reply: ReplyWriter) => void

  constructor(answer: (request: RequestReader, reply: ReplyWriter) => void) {
    this.#answer = answer
  }

  async apply(wire: ArrayBuffer): Promise<ArrayBuffer | null> {
    const request = new RequestReader(wire)
    const reply = new ReplyWriter(request.slots)
    const keys: string[] = []
    while (request.next()) {
      keys.push(request.key())
      this.#answer(request, reply)
    }
    this.handed.push(keys)
    this.ages.push(request.age)
    return reply.finish()
  }

  takeSpare(): undefined {}
}

const done = new Scripted(() => undefined)
const dead = (): never => {
  throw new WorkerLostError('a worker died', { cause: new Error('out of luck') })
}

/** A courier between such workers, and its callers. */
class Driven {
  readonly batch: Batch
  readonly notices: CorruptNotice[] = []
  readonly #courier: Courier

  constructor(front: BatchCarrier, files: BatchCarrier, writer = new RequestWriter(256)) {
    this.batch = new Batch(writer)
    this.#courier = new Courier({
      front,
      files,
      listener: {
        codec: 1,
        decode: (_key, payload) => ({ text: Buffer.from(payloadAt(payload)).toString() }),
        reissue: () => assert.unreachable('nobody rides on anything here'),
        settled: () => undefined,
        operationDone: () => undefined,
        corrupt: (notice) => this.notices.push(notice),
      },
    })
  }

  ask(opcode: Opcode, key: string, acceptedAt = 0): Promise<unknown> {
    return new Promise((resolve) => {
      const slot = { opcode, key, hash: keyHash(key), expiry: 0, codec: 1 }
      const payload = opcode === Opcode.SAVE ? Buffer.from(key) : undefined
      const demand: Demand = { ...slot, payload, asks: opcode, acceptedAt, resolve }
      this.batch.add(demand)
    })
  }

  async carry(): Promise<void> {
    const { rest } = await this.#courier.carry(this.batch)
    await rest
  }
}

/** One that has no memory for another copy: of a whole batch, or of a single slot either. */
class Cramped extends RequestWriter {
  readonly #single: boolean

  constructor(single: boolean) {
    super(256)
    this.#single = single
  }

  override toWire(): never {
    throw new RangeError('Array buffer allocation failed')
  }

  override slotToWire(...slot: Parameters<RequestWriter['slotToWire']>): ArrayBuffer {
    return this.#single ? super.slotToWire(...slot) : this.toWire()
  }
}

test('a batch that there is no memory for goes one operation at a time', async () => {
  const front = new Scripted(() => undefined)
  const driven = new Driven(front, done, new Cramped(true))
  const calls = ['a', 'b'].map((key) => driven.ask(Opcode.SAVE, key))
  await driven.carry()
  assert.equal(await Promise.all(calls), [undefined, undefined])
  assert.equal(front.handed, [['a'], ['b']])
})

test('what there is no memory for at all fails, and the reason is told', async () => {
  const driven = new Driven(done, done, new Cramped(false))
  const failure = rejection(driven.ask(Opcode.SAVE, 'a'), StorageError)
  await driven.carry()
  assert.instance((await failure).cause, RangeError)
})

test('readers whose files nobody can read reject, and nobody else', async () => {
  const front = new Scripted(({ index, opcode }, reply) => {
    if (opcode === Opcode.LOAD) reply.status(index, Status.IN_FILE)
  })
  const files = new Scripted(dead)
  const driven = new Driven(front, files)
  const saving = driven.ask(Opcode.SAVE, 'a')
  const failures = ['b', 'c'].map((key) => rejection(driven.ask(Opcode.LOAD, key), StorageError))
  await driven.carry()
  await saving
  for (const { errno, cause } of await Promise.all(failures)) {
    assert.is(errno, 'WORKER_LOST')
    assert.match(String(cause), /out of luck/)
  }
})

test('readers of one of whose files workers die are answered, all but that one', async () => {
  const front = new Scripted(({ index }, reply) => reply.status(index, Status.IN_FILE))
  const files = new Scripted((request, reply) => {
    if (request.key() === 'deadly') dead()
    reply.status(request.index, Status.ABSENT)
  })
  const driven = new Driven(front, files)
  const failure = rejection(driven.ask(Opcode.LOAD, 'deadly'), StorageError)
  const found = ['a', 'b'].map((key) => driven.ask(Opcode.LOAD, key))
  await driven.carry()
  assert.equal(await Promise.all(found), [undefined, undefined])
  assert.is((await failure).errno, 'WORKER_LOST')
})

test('a storage that tells of no reason, or of too few slots, leaves nobody without an answer', async () => {
  const silent = new Scripted(({ index }, reply) => reply.status(index, Status.FAILED))
  const short: BatchCarrier = {
    apply: async () => {
      const reply = new ReplyWriter(0)
      reply.corrupt({ reason: 'so as to answer at all', keptAs: undefined })
      return reply.finish()
    },
    takeSpare: () => undefined,
  }
  for (const front of [silent, short]) {
    const driven = new Driven(front, done)
    const failures = ['a', 'b'].map((key) => rejection(driven.ask(Opcode.SAVE, key), StorageError))
    await driven.carry()
    for (const { errno, message } of await Promise.all(failures)) {
      assert.is(errno, 'UNKNOWN')
      assert.match(message, /without a word/)
    }
    assert.is(driven.notices.length, front === short ? 1 : 0)
  }
})

/** Runs what does not wait while the clock stands at so many milliseconds. */
function at<Result>(milliseconds: number, body: () => Result): Result {
  const { now } = performance
  performance.now = () => milliseconds
  try {
    return body()
  } finally {
    performance.now = now
  }
}

test('workers are told what the operation that came last has waited', async () => {
  const front = new Scripted(() => undefined)
  // The last moment is behind one at which moments begin anew.
  for (const moment of [100_000, 2 ** 32 / 1000 + 1000]) {
    const driven = new Driven(front, done)
    const calls = [9000, 7000].map((age) => driven.ask(Opcode.SAVE, `${age}`, at(moment - age, ticks)))
    await at(moment, () => driven.carry())
    await Promise.all(calls)
  }
  assert.equal(front.ages, [7000, 7000])
})

test.run()
