import { setTimeout as delay } from 'node:timers/promises'
import { msgpack, SessionEngine } from 'coatcheck'
import { LatencyHistogram } from '../harness/histogram.js'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import { makeWorkload, type Workload } from '../workloads/workload.js'
import type { Figure, MeasurementOptions } from './measurement.js'

/** Sessions that are only loaded, and those that are saved in turn meanwhile. */
const LOADED = 5_000
const SAVED = 20_000
/** So few that the event loop is not full: what is measured is the wait for files. */
const CALLERS = 16
/** Seconds between checkpoints, so that one is under way nearly all the time. */
const INTERVAL = 0.2
/** Milliseconds between two looks at the journal's size. */
const LOOK = 20
/** Less than this tells nothing of the share: a segment has a header, and segments end where checkpoints begin. */
const LEAST_SAVED = 2 ** 20
/** What a journal may take on disk for each byte saved since the last checkpoint. */
const MOST_DISK = 2

/** Loads and the journal's size while checkpoints are at work all the time. */
export async function measureCheckpoints({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const engine = new SessionEngine({
    storage: coatcheckStorage({ directory, durability: 'journal', checkpointInterval: INTERVAL }),
  })
  await engine.ready()
  const { keys, sessions } = makeWorkload(0, LOADED + SAVED)
  await Promise.all(keys.map((key, index) => engine.save(key, sessions[index] ?? {})))
  await engine.flush({ files: true })
  const loaded = keys.slice(0, LOADED)
  await loadAll(engine, loaded, amount)
  const alone = await loadAll(engine, loaded, amount)
  const traffic = new Traffic(engine, { keys: keys.slice(LOADED), sessions: sessions.slice(LOADED) })
  const began = engine.stats().journal?.checkpoints.count ?? 0
  const fromFiles = await loadAll(engine, loaded, amount)
  const fromMemory = await loadAll(engine, traffic.latest(), amount)
  const ended = engine.stats().journal?.checkpoints.count ?? 0
  const share = await traffic.stop()
  await engine.close()
  return [
    ...latencies('load from a file, alone', alone),
    ...latencies('the same beside saves and checkpoints', fromFiles),
    ...latencies('load from the journal beside saves and checkpoints', fromMemory),
    { name: 'checkpoints meanwhile', value: ended - began, unit: '' },
    {
      name: 'journal on disk ÷ bytes saved since the last',
      value: share,
      unit: 'at the most',
      most: MOST_DISK,
    },
  ]
}

function latencies(name: string, histogram: LatencyHistogram): Figure[] {
  return [50, 99].map((percent) => ({
    name: `${name}, p${percent}`,
    value: histogram.percentile(percent),
    unit: 'ms',
  }))
}

async function loadAll(
  engine: SessionEngine,
  keys: Iterable<string>,
  amount: number,
): Promise<LatencyHistogram> {
  const histogram = new LatencyHistogram()
  let left = amount
  while (left > 0) {
    for (const key of keys) {
      if (left-- <= 0) break
      const from = performance.now()
      const session = await engine.load(key)
      histogram.record(performance.now() - from)
      if (session === undefined) throw new Error('a session was not there')
    }
  }
  return histogram
}

/** Callers that save in a closed loop, and an eye on what the journal takes on disk for it. */
class Traffic {
  readonly #engine: SessionEngine
  readonly #workload: Workload
  readonly #bytes: number
  readonly #work: Promise<unknown>
  /** What had been saved when. */
  readonly #samples: { readonly at: number; readonly saved: number }[] = []
  #saves = 0
  #share = 0
  #running = true

  constructor(engine: SessionEngine, workload: Workload) {
    this.#engine = engine
    this.#workload = workload
    this.#bytes = msgpack().encode(workload.sessions[0] ?? {}).length
    const callers = Array.from({ length: CALLERS }, (_, caller) => this.#save(caller))
    this.#work = Promise.all([...callers, this.#look()])
  }

  /** The keys just saved, most likely not in files yet. */
  *latest(): Generator<string, void, undefined> {
    const { keys } = this.#workload
    while (this.#running) yield keys[Math.max(0, this.#saves - 2 * CALLERS) % keys.length] ?? ''
  }

  /** Resolves with the largest share that was seen. */
  async stop(): Promise<number> {
    this.#running = false
    await this.#work
    return this.#share
  }

  async #save(caller: number): Promise<void> {
    const { keys, sessions } = this.#workload
    for (let index = caller; this.#running; index = (index + CALLERS) % keys.length) {
      const session = sessions[index] ?? { visits: 0 }
      session.visits++
      await this.#engine.save(keys[index] ?? '', session)
      this.#saves++
    }
  }

  async #look(): Promise<void> {
    while (this.#running) {
      const at = performance.now()
      const saved = this.#saves * this.#bytes
      this.#samples.push({ at, saved })
      const { diskBytes, lag } = this.#engine.stats().journal ?? { diskBytes: 0, lag: 0 }
      const covered = this.#samples.findLast((sample) => sample.at <= at - lag)
      if (covered !== undefined && saved - covered.saved >= LEAST_SAVED)
        this.#share = Math.max(this.#share, diskBytes / (saved - covered.saved))
      await delay(LOOK)
    }
  }
}
