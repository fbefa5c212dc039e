import { msgpack, type SessionEngine } from 'coatcheck'
import { Lane } from '#dist/src/engine/lane.js'
import { keyHash, Opcode, RequestWriter } from '#dist/workers/protocol/index.js'
import { makeKeys } from '../workloads/keys.js'
import { type BenchSession, makeSession } from '../workloads/session.js'
import type { Case } from './case.js'

/** Slots of a batch, as many as callers of the comparisons make. */
const SLOTS = 64
const AT_ONCE = 256

interface Demand {
  readonly opcode: typeof Opcode.SAVE
  readonly key: string
  readonly hash: number
  readonly expiry: number
  readonly codec: number
  readonly payload: Uint8Array
}

/** The way of a save through the engine, in parts and as a whole. */
export function engineCases(engine: SessionEngine<BenchSession>): Case[] {
  const keys = makeKeys(AT_ONCE)
  const session = makeSession(0)
  const payload = Uint8Array.from(msgpack().encode(session))
  const expiry = Date.now() + 1e9
  const demands = keys
    .slice(0, SLOTS)
    .map((key): Demand => ({ opcode: Opcode.SAVE, key, hash: keyHash(key), expiry, codec: 1, payload }))
  const save = (key: string): Promise<void> => {
    session.visits++
    return engine.save(key, session)
  }
  return [
    { name: `RequestWriter.append, ${SLOTS} slots`, step: () => appendAll(demands) },
    { name: `Lane: accept ${SLOTS} saves, take, release`, step: laneStep(demands) },
    { name: 'engine.save, one at a time, on the fastest place', asyncStep: () => save(keys[0] ?? '') },
    {
      name: `engine.save, ${AT_ONCE} at once, on the fastest place`,
      asyncStep: () => Promise.all(keys.map(save)),
    },
  ]
}

function appendAll(demands: readonly Demand[]): RequestWriter {
  const writer = new RequestWriter(64 * 1024)
  for (const demand of demands) writer.append(demand)
  return writer
}

function laneStep(demands: readonly Demand[]): () => unknown {
  const lane = new Lane(() => ({ depth: 1, slots: 256 }))
  const nothing = (): void => undefined
  return () => {
    const now = Date.now()
    // Written out: `{ ...demand }` takes as long as all that the lane does.
    for (const { opcode, key, hash, expiry, codec, payload } of demands) {
      lane.accept(
        { opcode, key, hash, expiry, codec, payload, asks: opcode, acceptedAt: 0, resolve: nothing },
        now,
      )
    }
    const batch = lane.take()
    if (batch !== undefined) lane.release(batch)
    return batch
  }
}
