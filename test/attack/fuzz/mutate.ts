import type { Random } from './random.js'

/** What numbers in hostile files are: the ends of their ranges, what is just past a bound, and what is no number. */
const EXTREMES = [0, 1, 7, 8, 31, 32, 39, 40, 41, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000] as const
const EXTREME_WORDS = [0x7fffffff, 0x80000000, 0xfffffff8, 0xfffffffe, 0xffffffff, 0x40000000] as const
const EXTREME_DOUBLES = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  0,
  -0,
  0.5,
  2 ** 53,
  2 ** 53 - 1,
  Number.MAX_VALUE,
] as const

/** No input is longer, unless a seed is. */
const LONGEST = 64 * 1024

type Mutation = (bytes: Buffer, random: Random, seeds: readonly Buffer[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  // One bit.
  (bytes, random) => {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes
  },
  // One byte, of those that mean most.
  (bytes, random) => {
    bytes[random.below(bytes.length)] = random.below(3) === 0 ? random.word() : random.pick(EXTREMES)
    return bytes
  },
  // Sixteen bits, thirty-two, sixty-four: most fields lie at multiples of their size.
  (bytes, random) => {
    const at = aligned(bytes, 2, random)
    if (at !== undefined) bytes.writeUInt16LE(random.pick(EXTREMES) & 0xffff, at)
    return bytes
  },
  (bytes, random) => {
    const at = aligned(bytes, 4, random)
    if (at === undefined) return bytes
    const word = random.below(2) === 0 ? random.pick(EXTREME_WORDS) : random.pick(EXTREMES)
    if (random.below(4) === 0) bytes.writeUInt32BE(word, at)
    else bytes.writeUInt32LE(word, at)
    return bytes
  },
  (bytes, random) => {
    const at = aligned(bytes, 4, random)
    if (at !== undefined) bytes.writeUInt32LE((bytes.readUInt32LE(at) + random.below(33) - 16) >>> 0, at)
    return bytes
  },
  (bytes, random) => {
    const at = aligned(bytes, 8, random)
    if (at !== undefined) bytes.writeDoubleLE(random.pick(EXTREME_DOUBLES), at)
    return bytes
  },
  // Cut off, at either end.
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  // A piece that is gone, or there twice.
  (bytes, random) => {
    const [start, end] = range(bytes, random)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  },
  (bytes, random) => {
    const [start, end] = range(bytes, random)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
  },
  // The beginning of this with the end of another one.
  (bytes, random, seeds) => {
    const other = random.pick(seeds)
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  },
  // A piece of another one over a piece of this.
  (bytes, random, seeds) => {
    const other = random.pick(seeds)
    const [start, end] = range(other, random)
    other.copy(bytes, random.below(bytes.length), start, end)
    return bytes
  },
  // Something from nowhere.
  (bytes, random) => {
    const [start, end] = range(bytes, random)
    for (let at = start; at < Math.min(end, start + 64); at++) bytes[at] = random.word()
    return bytes
  },
]

function aligned(bytes: Buffer, size: number, random: Random): number | undefined {
  if (bytes.length < size) return undefined
  const loose = random.below(4) === 0
  return loose ? random.below(bytes.length - size + 1) : random.below(Math.floor(bytes.length / size)) * size
}

function range(bytes: Buffer, random: Random): readonly [start: number, end: number] {
  const start = random.below(bytes.length)
  const most = random.below(4) === 0 ? bytes.length : 32
  return [start, Math.min(bytes.length, start + random.below(most + 1))]
}

/** A real one, and what a few mutations have made of it; never a seed itself. */
export function mutated(random: Random, seeds: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(random.pick(seeds))
  for (let rounds = 1 + random.below(4); rounds > 0; rounds--) {
    if (bytes.length === 0) return bytes
    const next = random.pick(MUTATIONS)(bytes, random, seeds)
    bytes = next.length > LONGEST && next.length > bytes.length ? bytes : Buffer.from(next)
  }
  return bytes
}
