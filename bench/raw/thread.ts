import { mkdirSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { LatencyHistogram } from '../harness/histogram.js'
import type { RawRoundRequest, RawRoundResult, RawThreadOptions } from './messages.js'
import { createRaw, type RawFile, rawSave } from './protocols.js'

/* One thread of the floor: bare calls in a loop, nothing between them but the clock. */

const { directory, protocol, names, bytes } = workerData as RawThreadOptions
const save = rawSave(protocol)
const targets: RawFile[] = names.map((name) => ({
  file: `${directory}/${name}`,
  temporary: `${directory}/.${name}_out_`,
}))

mkdirSync(directory, { recursive: true, mode: 0o700 })
for (const target of targets) createRaw(target, bytes)

let next = 0

function saveUntil(end: number, histogram: LatencyHistogram | undefined): number {
  let saves = 0
  for (let before = performance.now(); before < end; ) {
    // There is a target for every remainder.
    save(targets[next++ % targets.length] as RawFile, bytes)
    const after = performance.now()
    histogram?.record(after - before)
    before = after
    saves++
  }
  return saves
}

function runRound({ leadIn, seconds }: RawRoundRequest): RawRoundResult {
  const histogram = new LatencyHistogram()
  saveUntil(performance.now() + leadIn * 1000, undefined)
  const startedAt = performance.now()
  const saves = saveUntil(startedAt + seconds * 1000, histogram)
  return { saves, seconds: (performance.now() - startedAt) / 1000, histogram: histogram.encode() }
}

parentPort?.on('message', (request: RawRoundRequest) => parentPort?.postMessage(runRound(request)))
parentPort?.postMessage('ready')
