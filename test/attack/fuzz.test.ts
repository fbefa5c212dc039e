import { randomInt } from 'node:crypto'
import { resourceUsage } from 'node:process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { DECODERS } from './fuzz/decoders.js'
import { Feeder } from './fuzz/feeder.js'

/*
 * Whatever lies on the disk: a decoder says what it is, or that it is nothing. It does not throw into the engine, does not
 * hang, and takes no more memory than what can be stored. FUZZ_SEED repeats a run; FUZZ_INPUTS gives each decoder so many.
 */

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))
/** KiB by which this process may grow, all threads of it, while one decoder is fed. */
const MOST_GROWTH = 600 * 1024

const feeder = new Feeder()

console.log(`FUZZ_SEED=${SEED}`)

for (const [decoder, { usual, full, reaches }] of Object.entries(DECODERS)) {
  test(`the decoder of ${decoder} says what anything is`, async () => {
    const inputs = Number(process.env.FUZZ_INPUTS ?? budget({ usual, full }))
    const before = resourceUsage().maxRSS
    const since = performance.now()
    const outcomes = await feeder.feed({ decoder, seed: SEED, inputs })
    const seconds = ((performance.now() - since) / 1000).toFixed(1)
    const grown = resourceUsage().maxRSS - before
    console.log(`${decoder}: ${inputs} in ${seconds} s, ${grown} KiB more; ${JSON.stringify(outcomes)}`)
    assert.ok(grown < MOST_GROWTH, `memory grew by ${grown} KiB`)
    for (const outcome of reaches)
      assert.ok((outcomes[outcome] ?? 0) > 0, `nothing came as far as: ${outcome}`)
    assert.ok(Object.keys(outcomes).length > 1, 'nothing was turned away')
  })
}

test.after(() => feeder.end())

test.run()
