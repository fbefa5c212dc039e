import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { picksFor } from '../../bench/workloads/pick.js'
import { keySequence } from '../../bench/workloads/sequence.js'

const sequence = suite('which session of a bench comes next')

const SESSIONS = 1_000
const LENGTH = 100_000
const SEED = 7

function countsOf(numbers: Uint32Array): Uint32Array {
  const counts = new Uint32Array(SESSIONS)
  for (const number of numbers) counts[number] = (counts[number] ?? 0) + 1
  return counts.sort().reverse()
}

sequence('the same seed gives the same, another one another', () => {
  for (const order of ['uniform', 'zipf'] as const) {
    const numbers = keySequence(order, SESSIONS, LENGTH, SEED)
    assert.equal(keySequence(order, SESSIONS, LENGTH, SEED), numbers)
    assert.not.equal(keySequence(order, SESSIONS, LENGTH, SEED + 1), numbers)
    assert.ok(numbers.every((number) => number < SESSIONS))
  }
})

sequence('uniform: no session comes much more often than another', () => {
  const counts = countsOf(keySequence('uniform', SESSIONS, LENGTH, SEED))
  // A hundred each, with a deviation of ten: six of them are as good as never reached.
  assert.ok((counts[0] ?? 0) < 160, String(counts[0]))
  assert.ok((counts.at(-1) ?? 0) > 40, String(counts.at(-1)))
})

sequence('zipf: the nth session comes nearly an nth as often as the first', () => {
  const counts = countsOf(keySequence('zipf', SESSIONS, LENGTH, SEED))
  const first = counts[0] ?? 0
  for (const rank of [2, 4, 10]) {
    const share = (counts[rank - 1] ?? 0) / first
    assert.ok(Math.abs(share * rank ** 0.99 - 1) < 0.1, `${rank}: ${share}`)
  }
  // Known in advance: 1 ÷ (1 + 2^-0.99 + 3^-0.99 + …).
  let sum = 0
  for (let rank = 1; rank <= SESSIONS; rank++) sum += 1 / rank ** 0.99
  assert.ok(Math.abs((first / LENGTH) * sum - 1) < 0.05, String(first))
})

sequence('in turn: each caller has sessions of its own, and comes to all of them', () => {
  const picks = picksFor({ operation: 'save', sessions: 10 }, 3, 10)
  const seen = picks.map((pick) => new Set(Array.from({ length: 20 }, pick)))
  assert.equal(
    seen.map((numbers) => [...numbers].sort()),
    [
      [0, 3, 6, 9],
      [1, 4, 7],
      [2, 5, 8],
    ],
  )
})

sequence('together: so many callers are at one session', () => {
  const picks = picksFor({ operation: 'request', sessions: 10, together: 2 }, 4, 10)
  assert.equal(
    picks.map((pick) => [pick(), pick()]),
    [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ],
  )
})

sequence.run()
