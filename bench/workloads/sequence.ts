import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Which session comes next: one after the other, any with the same chance, or few of them nearly always. */
export type KeyOrder = 'turn' | 'uniform' | 'zipf'

/** Of YCSB, the usual benchmark of key-value stores, and so of those who will compare. */
const SKEW = 0.99

/** The numbers of so many sessions in the order in which they come, the same in every process. */
export function keySequence(
  order: 'uniform' | 'zipf',
  sessions: number,
  length: number,
  seed: number,
): Uint32Array {
  const random = fractions(seed)
  const sequence = new Uint32Array(length)
  if (order === 'uniform') return sequence.map(() => Math.floor(random() * sessions))
  const chances = zipfChances(sessions)
  // The hottest ones are not neighbours, neither in a directory nor in anybody's cache.
  const places = shuffled(sessions, random)
  return sequence.map(() => places[firstAbove(chances, random())] ?? 0)
}

function fractions(seed: number): () => number {
  const generator = xoroshiro128plus(seed)
  return () => (generator.next() >>> 0) / 2 ** 32
}

/** The chance that one of the first sessions comes, for each number of them. */
function zipfChances(sessions: number): Float64Array {
  const chances = new Float64Array(sessions)
  let sum = 0
  for (let rank = 0; rank < sessions; rank++) {
    sum += 1 / (rank + 1) ** SKEW
    chances[rank] = sum
  }
  return chances.map((chance) => chance / sum)
}

function firstAbove(chances: Float64Array, value: number): number {
  let low = 0
  let high = chances.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((chances[middle] ?? 1) > value) high = middle
    else low = middle + 1
  }
  return low
}

/** Fisher and Yates. */
function shuffled(count: number, random: () => number): Uint32Array {
  const numbers = Uint32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const number = numbers[last] ?? 0
    numbers[last] = numbers[other] ?? 0
    numbers[other] = number
  }
  return numbers
}
