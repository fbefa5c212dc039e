import { SessionEngine } from 'coatcheck'
import { spreadOf } from '../harness/spread.js'
import { makeWorkload } from '../workloads/workload.js'
import { bytesInUse, type Figure, type MeasurementOptions } from './measurement.js'

const CALLERS = 256
const SAMPLES = 50
const MEBIBYTE = 2 ** 20
/** With fewer saves it is the beginning that is measured: nothing is judged by them. */
const JUDGED_FROM = 1_000_000
/** What may lie between the beginning and the end, in MiB: V8 and malloc never give back to the byte. */
const MOST_GROWTH = 8

interface Sample {
  readonly resident: number
  readonly inUse: number
}

/** Whether memory grows with the number of saves: samples on the way, the second tenth against the last. */
export async function measureFlat({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const { keys, sessions } = makeWorkload(CALLERS)
  const engine = new SessionEngine({ directory })
  await engine.ready()
  const samples: Sample[] = []
  const step = Math.max(1, Math.floor(amount / SAMPLES))
  const startedAt = performance.now()
  let issued = 0
  let stored = 0
  const call = async (caller: number): Promise<void> => {
    for (
      let index = caller;
      issued < amount;
      index = index + CALLERS < keys.length ? index + CALLERS : caller
    ) {
      const key = keys[index]
      const session = sessions[index]
      if (key === undefined || session === undefined) throw new Error('more callers than keys')
      issued++
      session.visits++
      await engine.save(key, session)
      if (++stored % step === 0) samples.push({ inUse: bytesInUse(), resident: process.memoryUsage.rss() })
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)))
  const seconds = (performance.now() - startedAt) / 1000
  await engine.close()
  return [
    { name: `saves, ${Math.round(amount / seconds)} a second`, value: amount, unit: '' },
    ...growth(
      'resident memory',
      amount,
      samples.map(({ resident }) => resident),
    ),
    ...growth(
      'heap and buffers in use',
      amount,
      samples.map(({ inUse }) => inUse),
    ),
  ]
}

function growth(name: string, amount: number, samples: readonly number[]): Figure[] {
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  const beginning = (spreadOf(samples.slice(tenth, 2 * tenth))?.median ?? Number.NaN) / MEBIBYTE
  const end = (spreadOf(samples.slice(-tenth))?.median ?? Number.NaN) / MEBIBYTE
  const growing = { name: `${name}, growth between them`, value: end - beginning, unit: 'MiB' }
  return [
    { name: `${name}, second tenth of the saves`, value: beginning, unit: 'MiB' },
    { name: `${name}, last tenth`, value: end, unit: 'MiB' },
    { ...growing, ...(amount >= JUDGED_FROM ? { most: MOST_GROWTH } : {}) },
  ]
}
