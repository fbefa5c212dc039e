import { files, json, SessionEngine } from 'coatcheck'
import { versionOf } from './versions.js'

/* Loads keys over and over; every version has to be whole, and never older than the one before. */

const { directory, keys } = JSON.parse(process.argv[2] ?? '') as {
  readonly directory: string
  readonly keys: readonly string[]
}
const engine = new SessionEngine({
  storage: files({ directory }),
  codec: json(),
  threads: 1,
  sweepInterval: false,
})
const seen = new Map<string, number>()
const faults: string[] = []
let loads = 0
let changes = 0
let stopped = false

process.on('message', () => {
  stopped = true
})
process.once('disconnect', () => process.exit(0))
engine.on('corrupt', ({ reason }) => faults.push(`corrupt: ${reason}`))
await engine.ready()
process.send?.({ ready: true })

while (!stopped) {
  await Promise.all(
    keys.map(async (key) => {
      const session = await engine.load(key)
      loads++
      if (session === undefined) {
        faults.push(`${key}: gone`)
        return
      }
      const version = versionOf(key, session)
      const last = seen.get(key) ?? 0
      if (version < last) faults.push(`${key}: version ${version} after ${last}`)
      if (version > last) changes++
      seen.set(key, version)
    }),
  )
}
await engine.close()
process.send?.({ loads, changes, faults })
process.disconnect()
