import { closeSync, mkdirSync, openSync, readSync, utimesSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { msgpack, SessionEngine } from 'coatcheck'
import { figure } from '../harness/figures.js'
import { LatencyHistogram } from '../harness/histogram.js'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import { createRaw, type RawFile, rawSave } from '../raw/protocols.js'
import { makeWorkload } from '../workloads/workload.js'
import type { Figure, MeasurementOptions } from './measurement.js'

/** What an operation that waits alone may take, in milliseconds, besides the disk's own time. */
const MOST_OVERHEAD = 1
/** What a save may take that goes to the journal, in milliseconds, disk included. */
const MOST_JOURNAL = 1
/** Milliseconds of silence before an operation: long enough that every thread has gone to sleep. */
const SILENCE = 2

/** An operation, and the system calls that it cannot do without. */
interface Pair {
  readonly name: string
  readonly ours: (index: number) => Promise<unknown>
  readonly raw: (index: number) => void
  /** What it may take in all, disk included, where that is promised. */
  readonly most?: number
}

/** How long an operation takes that waits alone, beside the time of the bare calls, in turn. */
export async function measureLatency({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const engine = new SessionEngine({ directory: `${directory}/sessions` })
  await engine.ready()
  const journal = new SessionEngine({
    storage: coatcheckStorage({ directory: `${directory}/journal`, durability: 'journal' }),
  })
  await journal.ready()
  const pairs = [
    ...(await makePairs(engine, `${directory}/raw`)),
    journalPair(journal, `${directory}/raw/appended`),
  ]
  const figures: Figure[] = []
  for (const pair of pairs) {
    await measurePair(pair, amount, 0)
    figures.push(...(await measurePair(pair, amount, 0)), ...(await measurePair(pair, amount, SILENCE)))
  }
  await engine.close()
  await journal.close()
  return figures
}

/** A save that is acknowledged when it is in the journal. The bare call is an append to a file. */
function journalPair(engine: SessionEngine, file: string): Pair {
  const { keys, sessions } = makeWorkload(0)
  const bytes = Uint8Array.from(msgpack().encode(sessions[0] ?? {}))
  const descriptor = openSync(file, 'a', 0o600)
  return {
    name: 'save, journal',
    ours: (index) => {
      const session = sessions[index % sessions.length] ?? { visits: 0 }
      session.visits++
      return engine.save(keys[index % keys.length] ?? '', session)
    },
    raw: () => writeSync(descriptor, bytes),
    most: MOST_JOURNAL,
  }
}

async function makePairs(engine: SessionEngine, directory: string): Promise<Pair[]> {
  const { keys, sessions } = makeWorkload(0)
  const bytes = Uint8Array.from(msgpack().encode(sessions[0] ?? {}))
  mkdirSync(directory, { mode: 0o700 })
  const targets: RawFile[] = keys.map((key) => ({
    file: `${directory}/${key}`,
    temporary: `${directory}/.${key}_out_`,
  }))
  for (const target of targets) createRaw(target, bytes)
  await Promise.all(keys.map((key, index) => engine.save(key, sessions[index] ?? {})))
  const keyOf = (index: number): string => keys[index % keys.length] ?? ''
  const targetOf = (index: number): RawFile => targets[index % targets.length] as RawFile
  const save = rawSave('django')
  const buffer = Buffer.alloc(4096)
  return [
    {
      name: 'save',
      ours: (index) => {
        const session = sessions[index % sessions.length] ?? { visits: 0 }
        session.visits++
        return engine.save(keyOf(index), session)
      },
      raw: (index) => save(targetOf(index), bytes),
    },
    {
      name: 'load',
      ours: (index) => engine.load(keyOf(index)),
      raw: (index) => {
        const descriptor = openSync(targetOf(index).file, 'r')
        readSync(descriptor, buffer, 0, buffer.length, 0)
        closeSync(descriptor)
      },
    },
    {
      name: 'touch',
      ours: (index) => engine.touch(keyOf(index)),
      raw: (index) => utimesSync(targetOf(index).file, 2e9, 2e9),
    },
  ]
}

async function measurePair(
  { name, ours, raw, most }: Pair,
  amount: number,
  silence: number,
): Promise<Figure[]> {
  const oursTaken = new LatencyHistogram()
  const rawTaken = new LatencyHistogram()
  for (let index = 0; index < amount; index++) {
    if (silence > 0) await delay(silence)
    const oursFrom = performance.now()
    await ours(index)
    oursTaken.record(performance.now() - oursFrom)
    if (silence > 0) await delay(silence)
    const rawFrom = performance.now()
    raw(index)
    rawTaken.record(performance.now() - rawFrom)
  }
  const when = silence > 0 ? `after ${silence} ms of silence` : 'one at a time'
  return [50, 99].map((percent) => {
    const disk = rawTaken.percentile(percent)
    const title = `${name}, ${when}, p${percent}; the bare calls take ${figure(disk)} ms`
    return {
      name: title,
      value: oursTaken.percentile(percent),
      unit: 'ms',
      most: most ?? disk + MOST_OVERHEAD,
    }
  })
}
