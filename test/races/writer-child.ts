import { files, json, SessionEngine } from 'coatcheck'
import { makeVersion } from './versions.js'

/*
 * Saves version after version of a few keys, as fast as it goes, and tells which it has had acknowledged. Goes on
 * from the versions it is given until it is told to stop, or killed.
 */

export interface WriterOptions {
  readonly directory: string
  readonly keys: readonly string[]
  /** The last versions that are stored, by key. */
  readonly from: Readonly<Record<string, number>>
}

/** Sent after every round of saves: what was acknowledged. */
export type Acknowledged = Readonly<Record<string, number>>

const { directory, keys, from } = JSON.parse(process.argv[2] ?? '') as WriterOptions
const engine = new SessionEngine({
  storage: files({ directory }),
  codec: json(),
  threads: 2,
  sweepInterval: false,
})
let stopped = false

process.on('message', () => {
  stopped = true
})
process.once('disconnect', () => process.exit(0))

for (let round = 1; !stopped; round++) {
  const acknowledged: Record<string, number> = {}
  await Promise.all(
    keys.map(async (key) => {
      const version = (from[key] ?? 0) + round
      await engine.save(key, makeVersion(key, version))
      acknowledged[key] = version
    }),
  )
  process.send?.(acknowledged)
}
await engine.close()
process.disconnect()
