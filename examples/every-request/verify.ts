import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { SessionEngine } from 'coatcheck'
import { stateIn } from './cart.js'
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

/** Why a visitor's session counts as lost; `undefined` when all is as it was acknowledged. */
function lossOf(expectation: Expectation, sessions: ReadonlyMap<string, object>): string | undefined {
  const { key, state, outOfStep } = expectation
  if (key === undefined) return 'never got a session'
  if (outOfStep > 0) return `got ${outOfStep} answers that did not continue the one before`
  const session = sessions.get(key)
  if (session === undefined) return 'has no session on disk'
  const stored = stateIn(session)
  if (isDeepStrictEqual(stored, state)) return undefined
  return `was last told ${JSON.stringify(state)}, and on disk is ${JSON.stringify(stored)}`
}

const [directory, file] = process.argv.slice(2)
if (directory === undefined || file === undefined) throw new Error('usage: verify.js DIRECTORY EXPECTATIONS')
const expectations = JSON.parse(readFileSync(file, 'utf8')) as Expectation[]
const sessions = await readAll(directory)
let acknowledged = 0
let lost = 0
for (const [index, expectation] of expectations.entries()) {
  acknowledged += expectation.acknowledged
  const loss = lossOf(expectation, sessions)
  if (loss === undefined) continue
  lost++
  console.error(`visitor ${index} ${loss}`)
}
console.log(`${expectations.length} sessions, ${acknowledged} acknowledged saves, ${lost} lost`)
if (lost > 0 || acknowledged === 0) process.exitCode = 1
