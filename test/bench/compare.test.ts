import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compareRuns, comparisonText } from '../../bench/results/compare.js'
import type { Figures } from '../../bench/results/measures.js'
import type { Run } from '../../bench/results/run.js'
import { logSlope, slopesOf } from '../../bench/results/slopes.js'
import { runOfOne } from './run-of-one.js'

const compare = suite('two runs of a bench compared')

function runOf(figures: Figures): Run {
  const lines = [{ id: 'journal@disk', label: 'coatcheck journal', figures }]
  return runOfOne({ groups: [{ title: 'On the disk', measures: [], charts: [], lines }] })
}

compare('what lies apart has moved, for better or worse', () => {
  const before = runOf({ perSecond: [100, 110, 120], loopMicroseconds: [3, 3.1, 3.2] })
  const { moves, compared } = compareRuns(
    before,
    runOf({ perSecond: [200, 210, 220], loopMicroseconds: [4, 4.1, 4.2] }),
  )
  assert.is(compared, 2)
  assert.equal(
    moves.map(({ measure, better, line }) => [measure, better, line]),
    [
      ['perSecond', true, 'coatcheck journal'],
      ['loopMicroseconds', false, 'coatcheck journal'],
    ],
  )
})

compare('what overlaps has not, nor what differs by a trifle', () => {
  const before = runOf({ perSecond: [100, 110, 120], loopMicroseconds: [3, 3, 3] })
  const { moves } = compareRuns(
    before,
    runOf({ perSecond: [119, 140, 160], loopMicroseconds: [3.1, 3.1, 3.1] }),
  )
  assert.equal(moves, [])
})

compare('what was not measured before is not compared', () => {
  assert.is(compareRuns(runOf({}), runOf({ perSecond: [1] })).compared, 0)
})

compare('it is told in words', () => {
  const text = comparisonText(runOf({ perSecond: [100] }), runOf({ perSecond: [50] }))
  assert.match(text, /1 of 1 figures moved/)
  assert.match(text, /save: coatcheck journal/)
  assert.match(text, /−50\.0 %.*worse/)
})

compare('the slope of a power is its exponent', () => {
  const points = [1, 10, 100, 1_000].map((x) => [x, 3 * x ** 0.25] as const)
  assert.ok(Math.abs(logSlope(points) - 0.25) < 1e-12)
})

compare('a curve that doubles with each tenfold is told so', () => {
  const line = (at: number, cost: number) => ({
    id: String(at),
    label: String(at),
    at,
    curve: 'journal',
    figures: { processMicroseconds: [cost] },
  })
  const axis = { title: 'sessions stored', unit: 'sessions' }
  const lines = [line(1, 5), line(10, 10), line(100, 20)]
  assert.equal(slopesOf({ title: '', measures: [], charts: [], axis, lines }), [
    'journal: with each tenfold of sessions stored, the processor time of an operation changes by +100.0 %; from 1 to 100 it is 4.00 times as much.',
  ])
})

compare.run()
