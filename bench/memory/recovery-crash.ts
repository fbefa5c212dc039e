import { SessionEngine } from 'coatcheck'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import type { BenchSession } from '../workloads/session.js'
import { makeWorkload } from '../workloads/workload.js'

/*
 * Saves sessions again and again, says when all of that is acknowledged, and waits to be killed:
 * recovery-crash.js DIRECTORY SESSIONS SAVES.
 */

/** What is acknowledged by then. */
export interface CrashReport {
  readonly seconds: number
  /** Of every session. */
  readonly visits: number
}

const [directory, count, saves] = process.argv.slice(2)
if (directory === undefined || process.send === undefined) throw new Error('the recovery bench starts this')
// Whatever happens to its parent, it does not stay.
process.once('disconnect', () => process.exit())
const { keys, sessions } = makeWorkload(0, Number(count))
const engine = new SessionEngine<BenchSession>({
  storage: coatcheckStorage({ directory, durability: 'journal', checkpointInterval: false }),
})
await engine.ready()
const startedAt = performance.now()
for (let save = 0; save < Number(saves); save++) {
  // One save of each session at a time: two that wait would become one record.
  await Promise.all(
    sessions.map((session, index) => {
      session.visits++
      return engine.save(keys[index] ?? '', session)
    }),
  )
}
const report: CrashReport = {
  seconds: (performance.now() - startedAt) / 1000,
  visits: sessions[0]?.visits ?? 0,
}
process.send(report)
