import { fork } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { msgpack, SessionEngine } from 'coatcheck'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import type { BenchSession } from '../workloads/session.js'
import { makeWorkload } from '../workloads/workload.js'
import type { Figure, MeasurementOptions } from './measurement.js'
import type { CrashReport } from './recovery-crash.js'

/** What the design promises for a million records, and what the journal may take for each byte that was saved. */
const MOST_SECONDS = 5
const MOST_BYTES_PER_BYTE = 2
/** Fewer records take less time: nothing is judged by them. */
const JUDGED_FROM = 1_000_000
const SAVES_OF_EACH = 20

/**
 * Lets a process save and kills it, so that all it saved is left in the journal and nothing is in files; then opens
 * that. The file is still in the system's memory, as after a crash of the process, not of the machine.
 */
export async function measureRecovery({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const count = Math.max(1, Math.round(amount / SAVES_OF_EACH))
  const { seconds: writing, visits } = await crash(directory, count)
  const records = count * SAVES_OF_EACH
  const bytes = bytesIn(directory)
  const startedAt = performance.now()
  const engine = new SessionEngine<BenchSession>({
    storage: coatcheckStorage({ directory, durability: 'journal', checkpointInterval: false }),
  })
  await engine.ready()
  const seconds = (performance.now() - startedAt) / 1000
  const { keys, sessions } = makeWorkload(0, count)
  const loaded = await Promise.all(keys.slice(0, count).map((key) => engine.load(key)))
  const lost = loaded.filter((session) => session?.visits !== visits).length
  // It is not closed: that would write all the sessions to files, and the process is at its end.
  // An engine that read nothing would open fast, too.
  if (lost > 0) throw new Error(`${lost} of ${count} sessions were not what was saved last`)
  const payload = msgpack().encode(sessions[0] ?? {}).length * records
  const judged = <Goal extends object>(goal: Goal): Goal | object => (records >= JUDGED_FROM ? goal : {})
  return [
    {
      name: `records of ${count} sessions, saved in ${writing.toFixed(1)} s by a process that was then killed`,
      value: records,
      unit: '',
    },
    {
      name: 'opening, from construction to ready',
      value: seconds,
      unit: 's',
      ...judged({ most: MOST_SECONDS }),
    },
    { name: 'records', value: records / seconds, unit: 'a second' },
    { name: 'bytes on disk ÷ bytes saved', value: bytes / payload, unit: '', most: MOST_BYTES_PER_BYTE },
  ]
}

/** Resolves when the process that saves is dead. */
async function crash(directory: string, sessions: number): Promise<CrashReport> {
  const child = fork(new URL('./recovery-crash.js', import.meta.url), [
    directory,
    String(sessions),
    String(SAVES_OF_EACH),
  ])
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit')
  const [report] = (await Promise.race([once(child, 'message'), exited.then(endedEarly)])) as [CrashReport]
  kill()
  await exited
  process.off('exit', kill)
  return report
}

function endedEarly(): never {
  throw new Error('the process that saves ended by itself')
}

function bytesIn(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name)).size
  return bytes
}
