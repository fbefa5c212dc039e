import { setTimeout as delay } from 'node:timers/promises'
import { msgpack, SessionEngine } from 'coatcheck'
import { makeKeys } from '../workloads/keys.js'
import { makeSession } from '../workloads/session.js'
import { bytesInUse, type Figure, type MeasurementOptions } from './measurement.js'

/** Bytes that a pending save may cost besides its own. */
const MOST_OVERHEAD = 500
/** Milliseconds in which timers and messages of the threads come to rest. */
const SETTLING = 200
/** Bytes that an idle session may cost; not nought, for the heap is never twice the same. */
const MOST_IDLE = 1

/**
 * What a save that waits costs, promise included: many are issued in one turn of the event loop, so that none can have
 * left for a worker, and the heap is compared. Then what the same sessions cost once they are stored.
 */
export async function measurePending({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const keys = makeKeys(amount)
  const session = makeSession(0)
  const payload = msgpack().encode(session).length
  const engine = new SessionEngine({ directory })
  await engine.ready()
  // A first round, so that code, statistics and the pool have what they keep for good.
  await saveAll(engine, keys, session)
  await saveAll(engine, keys, session)
  await delay(SETTLING)
  const before = bytesInUse()
  const promises = new Array<Promise<void>>(amount)
  for (let index = 0; index < amount; index++) {
    session.visits++
    promises[index] = engine.save(keys[index] ?? '', session)
  }
  const pending = bytesInUse()
  await Promise.all(promises)
  promises.length = 0
  await delay(SETTLING)
  const after = bytesInUse()
  // What was still lying about before and is gone after must not hide what pending saves cost.
  const perPending = (pending - Math.min(before, after)) / amount
  await engine.close()
  return [
    {
      name: `a pending save of ${payload} bytes, of ${amount}`,
      value: perPending,
      unit: 'bytes',
      most: payload + MOST_OVERHEAD,
    },
    {
      name: `an idle session, of ${amount}`,
      value: (after - before) / amount,
      unit: 'bytes',
      most: MOST_IDLE,
    },
  ]
}

async function saveAll(
  engine: SessionEngine,
  keys: readonly string[],
  session: Record<string, unknown>,
): Promise<void> {
  await Promise.all(keys.map((key) => engine.save(key, session)))
}
