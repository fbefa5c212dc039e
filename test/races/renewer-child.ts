import { files, json, SessionEngine } from 'coatcheck'
import { makeVersion, versionOf } from './versions.js'

/*
 * Lets sessions of its own expire and renews them at once, while others sweep; leaves one behind expired in every
 * round. Tells at the end what it has found missing.
 */

export interface RenewerOptions {
  readonly directory: string
  readonly name: string
  readonly sessions: number
  readonly rounds: number
}

/** Sent once at the end. */
export interface RenewerReport {
  /** Renewals that were acknowledged. */
  readonly renewals: number
  /** What was not there, or not as it was stored, right after its renewal was acknowledged. */
  readonly faults: readonly string[]
}

const PAST = { expires: new Date(0) }
const LONG = { maxAge: 3600 }

const { directory, name, sessions, rounds } = JSON.parse(process.argv[2] ?? '') as RenewerOptions
const engine = new SessionEngine({
  storage: files({ directory }),
  codec: json(),
  threads: 2,
  sweepInterval: false,
})
const faults: string[] = []
let renewals = 0

/** A save of the expired key, a create in its place, or an update of one that lives. */
async function renew(key: string, round: number): Promise<void> {
  const session = makeVersion(key, round)
  if (round % 3 === 0) {
    await engine.save(key, session, LONG)
    await engine.save(key, session, PAST)
    await engine.save(key, session, LONG)
  } else if (round % 3 === 1) {
    await engine.save(key, session, PAST)
    await engine.create(key, session, LONG)
  } else {
    await engine.save(key, makeVersion(key, round - 1), LONG)
    await engine.update(key, session, LONG)
  }
  renewals++
  const found = await engine.load(key)
  if (found === undefined) faults.push(`round ${round}: missing`)
  else if (versionOf(key, found) !== round) faults.push(`round ${round}: version ${versionOf(key, found)}`)
}

process.once('disconnect', () => process.exit(0))

for (let round = 1; round <= rounds; round++) {
  const renewed = Array.from({ length: sessions }, (_, index) => renew(`${name}-${index}`, round))
  await Promise.all([...renewed, engine.save(`${name}-doomed-${round}`, makeVersion(name, round), PAST)])
}
await engine.close()
const report: RenewerReport = { renewals, faults }
// Ends when the parent has it and lets go.
process.send?.(report)
