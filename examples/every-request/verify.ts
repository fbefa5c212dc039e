import { readFileSync } from 'node:fs'
import { SessionEngine } from 'coatcheck'
import { lossOf } from './loss.js'
import type { Expectation } from './visitor.js'

/*
 * A process that has nothing of the one before but its files: verify.js DIRECTORY EXPECTATIONS. Reads every session
 * from disk, compares it with the last answer that its visitor got, and fails when one is lost.
 */

async function readAll(directory: string): Promise<Map<string, object>> {
  await using engine = new SessionEngine<object>({ directory, sweepInterval: false })
  const sessions = new Map<string, object>()
  for await (const key of engine.keys()) {
    const session = await engine.load(key)
    if (session !== undefined) sessions.set(key, session)
  }
  return sessions
}

const [directory, file] = process.argv.slice(2)
if (directory === undefined || file === undefined) throw new Error('usage: verify.js DIRECTORY EXPECTATIONS')
const expectations = JSON.parse(readFileSync(file, 'utf8')) as Expectation[]
const sessions = await readAll(directory)
let acknowledged = 0
let lost = 0
for (const [index, expectation] of expectations.entries()) {
  acknowledged += expectation.acknowledged
  const { key } = expectation
  const loss = lossOf(expectation, key === undefined ? undefined : sessions.get(key))
  if (loss === undefined) continue
  lost++
  console.error(`visitor ${index} ${loss}`)
}
console.log(`${expectations.length} sessions, ${acknowledged} acknowledged saves, ${lost} lost`)
if (lost > 0 || acknowledged === 0) process.exitCode = 1
