import { getHeapStatistics } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import type { Decoder } from './decoder.js'
import { Violation } from './decoder.js'
import { DECODERS } from './decoders.js'
import { mutated } from './mutate.js'
import { type Feeding, INPUT_AT, LENGTH, MADE, type Outcomes } from './protocol.js'
import { Random } from './random.js'

/*
 * Feeds decoders. Each input is laid where the main thread can see it before it is decoded: whatever becomes of this
 * thread, the input that did it is known.
 */

/** Bytes that lie outside of V8's heap, at the most, when one input is through. */
const MOST_OUTSIDE = 160 * 2 ** 20
/** How many more than before, when one is through that was made to take much memory. */
const MOST_OF_ONE = 48 * 2 ** 20

const shared = workerData as SharedArrayBuffer
const words = new Int32Array(shared, 0, INPUT_AT / 4)
const room = Buffer.from(shared, INPUT_AT)

function inputOf({ seeds, whole = [], repair }: Decoder, seed: number, index: number): Buffer {
  // As they are first: what is known to be hostile, and what has to be read.
  const asItIs = whole[index] ?? seeds[index - whole.length]
  if (asItIs !== undefined) return Buffer.from(asItIs)
  const random = new Random((seed + Math.imul(index, 0x9e3779b1)) >>> 0)
  const bytes = mutated(random, seeds)
  return random.below(4) > 0 ? repair(bytes, random) : bytes
}

function outside(): number {
  return getHeapStatistics().external_memory
}

async function feed({ decoder: name, seed, inputs }: Feeding): Promise<Outcomes> {
  const decoder = DECODERS[name]?.make()
  if (decoder === undefined) throw new Error(`there is no decoder ${name}`)
  const outcomes: Record<string, number> = {}
  const { whole = [], seeds } = decoder
  // What has to be read has to be fed, however few there are to be.
  for (let index = 0; index < Math.max(inputs, whole.length + seeds.length); index++) {
    const bytes = inputOf(decoder, seed, index)
    room.set(bytes.subarray(0, room.length))
    Atomics.store(words, LENGTH, Math.min(bytes.length, room.length))
    Atomics.store(words, MADE, index + 1)
    const isWhole = index < whole.length
    const most = isWhole ? outside() + MOST_OF_ONE : MOST_OUTSIDE
    const fed = decoder.feed(bytes)
    const outcome = typeof fed === 'string' ? fed : await fed
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if ((isWhole || index % 16 === 0) && outside() > most) throw new Violation('too much memory is held')
    // For promises that have rejected.
    if (index % 1024 === 0) await new Promise(setImmediate)
  }
  await new Promise(setImmediate)
  return outcomes
}

parentPort?.on('message', async (feeding: Feeding) => {
  parentPort?.postMessage(await feed(feeding))
})
