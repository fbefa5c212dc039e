import { json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { ended, nextMessage, startProgram } from './child-program.js'
import type { RenewerOptions, RenewerReport } from './renewer-child.js'

const sweeps = suite('sweeps beside processes that save')

const RENEWERS = ['first', 'second', 'third']
const SESSIONS = 12
const ROUNDS = budget({ usual: 30, full: 300 })
const BYSTANDERS = 300

sweeps('take what has expired, and nothing that was renewed meanwhile or is alive', async () => {
  const directory = temporaryDirectory('memory')
  const engine = new SessionEngine({ directory, codec: json(), threads: 1, sweepInterval: false })
  const bystanders = Array.from({ length: BYSTANDERS }, (_, index) => `bystander-${index}`)
  await Promise.all(bystanders.map((key) => engine.create(key, { key })))
  // Its threads are there before the others begin: they are soon done.
  await engine.clearExpired()
  const children = RENEWERS.map((name) => {
    const options: RenewerOptions = { directory, name, sessions: SESSIONS, rounds: ROUNDS }
    return startProgram('renewer-child.js', options)
  })
  try {
    let running = true
    const stop = (): void => {
      running = false
    }
    const reporting = Promise.all(children.map((child) => nextMessage(child)))
    reporting.then(stop, stop)
    let expired = 0
    let swept = 0
    while (running) {
      const result = await engine.clearExpired()
      assert.is(result.corrupt, 0)
      expired += result.expired
      swept++
    }
    const reports = (await reporting) as RenewerReport[]
    for (const { renewals, faults } of reports) {
      assert.equal(faults, [])
      assert.is(renewals, SESSIONS * ROUNDS)
    }
    assert.ok(swept > 1, 'it swept while they saved')
    expired += (await engine.clearExpired()).expired
    assert.ok(expired >= RENEWERS.length * ROUNDS, `${expired} were taken for expired`)
    const left = new Set<string>()
    for await (const key of engine.keys()) left.add(key)
    const renewed = RENEWERS.flatMap((name) =>
      Array.from({ length: SESSIONS }, (_, index) => `${name}-${index}`),
    )
    assert.equal([...left].sort(), [...bystanders, ...renewed].sort())
    for (const child of children) child.disconnect()
    await Promise.all(children.map((child) => ended(child)))
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await engine.close()
  }
})

sweeps.run()
