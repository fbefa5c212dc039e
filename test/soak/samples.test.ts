import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Bounds, problemsOf, rise, type Sample } from './samples.js'

const judging = suite('samples of a soak')

const bounds: Bounds = {
  rssBytes: 1000,
  heapBytes: 100,
  descriptors: 2,
  temporary: 2,
  entries: 50,
  litterOfDeath: 3,
  journalBytes: 500,
}
const flat: Sample = {
  operations: 1,
  milliseconds: 1,
  rssBytes: 5000,
  heapBytes: 500,
  descriptors: 30,
  litter: 0,
  temporary: 1,
  entries: 100,
  journalBytes: 500,
  deaths: 1,
  pendingOperations: 0,
  pendingBytes: 0,
}
const flats = (count: number): Sample[] => Array.from({ length: count }, () => flat)

judging('what rises once, while it warms up, is flat; so is what varies within its bound', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(100_000), { minLength: 3, maxLength: 3 }),
      fc.array(fc.nat(1000), { minLength: 6, maxLength: 8 }),
      (warmUp, later) => {
        const samples = [...warmUp, ...later].map((bytes) => ({ ...flat, rssBytes: bytes }))
        assert.equal(problemsOf(samples.slice(-9), bounds), [])
      },
    ),
  )
})

for (const name of ['rssBytes', 'heapBytes', 'descriptors', 'temporary', 'entries'] as const) {
  judging(`${name} that rises with every sample is found`, () => {
    const step = bounds[name]
    const samples = flats(12).map((sample, index) => ({ ...sample, [name]: sample[name] + index * step }))
    assert.is(rise(samples.map((sample) => sample[name])), 4 * step)
    assert.match(problemsOf(samples, bounds).join(), new RegExp(`^${name} rose by ${4 * step}`))
  })
}

judging('one journal too large, one pending operation, no death and too few samples are found', () => {
  assert.equal(problemsOf(flats(6), bounds), [])
  assert.match(problemsOf([...flats(5), { ...flat, journalBytes: 501 }], bounds).join(), /journal had 501/)
  assert.match(problemsOf([...flats(5), { ...flat, pendingOperations: 1 }], bounds).join(), /1 operations/)
  assert.match(problemsOf([...flats(5), { ...flat, pendingBytes: 1 }], bounds).join(), /1 bytes pending/)
  assert.match(
    problemsOf([...flats(5), { ...flat, deaths: 3, litter: 8 }], bounds).join(),
    /^8 temporary files after 2 deaths/,
  )
  assert.equal(problemsOf([...flats(5), { ...flat, deaths: 3, litter: 7 }], bounds), [])
  const left = { ...flat, litter: 3, temporary: 3 }
  assert.equal(
    problemsOf(
      Array.from({ length: 6 }, () => left),
      bounds,
    ),
    [],
  )
  assert.match(
    problemsOf(
      flats(6).map((sample) => ({ ...sample, deaths: 0 })),
      bounds,
    ).join(),
    /no worker/,
  )
  assert.match(problemsOf(flats(5), bounds).join(), /only 5 samples/)
})

judging.run()
