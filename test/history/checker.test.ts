import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { isExplainedBySomeOrder } from './brute-force.js'
import { explain, type Timed, TooManyStatesError } from './checker.js'
import { minimise, toText } from './minimise.js'
import {
  type Call,
  DONE,
  livingText,
  NOTHING,
  perform,
  SESSION_MODEL,
  type SessionOperation,
  valueText,
} from './model.js'

const test = suite('the checker of histories')

type History = Timed<SessionOperation>[]

/** Begins, ends, was called, told. */
function told(began: number, ended: number, call: Call, answer: string): History[number] {
  return { operation: { ...call, told: answer }, began, ended, optional: false }
}

/** Begins, and nobody knows more; or that it had ended by then. */
function lost(began: number, call: Call, ended = Number.POSITIVE_INFINITY): History[number] {
  return { operation: call, began, ended, optional: true }
}

/** The same by somebody whose operations take effect in the order in which they began. */
function by(issuer: string, timed: History[number]): History[number] {
  return { ...timed, issuer }
}

const create = (value: number): Call => ({ kind: 'create', value, life: 1 })
const update = (value: number): Call => ({ kind: 'update', value, life: 1 })
const save = (value: number): Call => ({ kind: 'save', value, life: 1 })
const replace = (expected: number, value: number): Call => ({ kind: 'replace', value, life: 1, expected })
const touch = (life: number): Call => ({ kind: 'touch', life })
const load: Call = { kind: 'load' }
const exists: Call = { kind: 'exists' }
const remove: Call = { kind: 'delete' }

const EXPLAINED: Record<string, History> = {
  'nothing at all': [],
  'one after the other': [
    told(0, 1, create(1), DONE),
    told(2, 3, load, valueText(1)),
    told(4, 5, remove, DONE),
    told(6, 7, load, NOTHING),
  ],
  'a load during a save sees the old or the new': [
    told(0, 1, save(1), DONE),
    told(2, 9, save(2), DONE),
    told(3, 4, load, valueText(1)),
    told(5, 6, load, valueText(2)),
  ],
  'the later of two saves at once is the one that began first': [
    told(0, 9, save(1), DONE),
    told(1, 8, save(2), DONE),
    told(10, 11, load, valueText(1)),
  ],
  'two creates around a delete': [
    told(0, 9, create(1), DONE),
    told(0, 9, create(2), DONE),
    told(0, 9, remove, DONE),
  ],
  'an update that came just before a delete': [
    told(0, 1, save(1), DONE),
    told(2, 9, update(2), DONE),
    told(3, 5, remove, DONE),
    told(6, 7, load, NOTHING),
  ],
  'a lost save that has happened': [
    lost(0, save(1)),
    told(5, 6, load, NOTHING),
    told(7, 8, load, valueText(1)),
  ],
  'a lost save that has not': [lost(0, save(1)), told(5, 6, load, NOTHING), told(7, 8, load, NOTHING)],
  'a lost delete that explains a second create': [
    told(0, 1, create(1), DONE),
    lost(2, remove, 4),
    told(5, 6, create(2), DONE),
  ],
  'a touch moves the expiry of what is there': [
    told(0, 1, save(1), DONE),
    told(2, 9, touch(7), 'true'),
    told(3, 4, { kind: 'loadWithExpiry' }, livingText(1, 1)),
    told(10, 11, { kind: 'loadWithExpiry' }, livingText(1, 7)),
  ],
  'a touch to the past ends a session': [
    told(0, 1, save(1), DONE),
    told(2, 3, touch(0), 'true'),
    told(4, 5, touch(1), 'false'),
    told(6, 7, update(2), 'UpdateError'),
  ],
  'what was issued at once, in its order': [
    by('a', told(0, 9, save(1), DONE)),
    by('a', lost(1, remove)),
    by('a', told(2, 8, update(2), 'UpdateError')),
    by('b', told(3, 9, save(3), DONE)),
    by('a', told(10, 11, load, valueText(3))),
  ],
  // That a later one of its issuer has come keeps a lost save out: the same operations done without that are another case.
  'a lost save beside a lost create of its issuer': [
    told(0, 1, save(1), DONE),
    told(10, 46, remove, DONE),
    told(11, 45, update(2), DONE),
    told(50, 100, save(3), DONE),
    told(200, 201, load, valueText(4)),
    by('a', lost(5, save(4))),
    by('a', lost(6, create(5), 40)),
  ],
  'replaces in a chain': [
    told(0, 1, save(1), DONE),
    told(2, 9, replace(2, 3), DONE),
    told(2, 9, replace(1, 2), DONE),
    told(10, 11, load, valueText(3)),
  ],
}

const INEXPLICABLE: Record<string, History> = {
  'saves of one issuer that have changed places': [
    by('a', told(0, 9, save(1), DONE)),
    by('a', told(1, 8, save(2), DONE)),
    told(10, 11, load, valueText(1)),
  ],
  'a lost save that comes after a later one of its issuer': [
    by('a', lost(0, save(1))),
    by('a', told(1, 2, save(2), DONE)),
    told(3, 4, load, valueText(1)),
  ],
  'a lost save that comes before an earlier one of its issuer': [
    by('a', told(0, 9, update(1), DONE)),
    by('a', lost(1, save(2))),
  ],
  'a lost update': [
    told(0, 1, save(1), DONE),
    told(2, 5, replace(1, 2), DONE),
    told(3, 6, replace(1, 3), DONE),
  ],
  'a stale read': [told(0, 1, save(1), DONE), told(2, 3, save(2), DONE), told(4, 5, load, valueText(1))],
  'new, then old': [
    told(0, 1, save(1), DONE),
    told(2, 9, save(2), DONE),
    told(3, 4, load, valueText(2)),
    told(5, 6, load, valueText(1)),
  ],
  'a deleted session that comes back': [
    told(0, 1, save(1), DONE),
    told(2, 9, update(2), DONE),
    told(3, 5, remove, DONE),
    told(6, 7, load, NOTHING),
    told(10, 11, load, valueText(2)),
  ],
  'two winners of a create': [told(0, 9, create(1), DONE), told(1, 8, create(2), DONE)],
  'no winner of a create': [told(0, 9, create(1), 'CreateError'), told(1, 8, create(2), 'CreateError')],
  'a replace of a version that is not there any more': [
    told(0, 1, save(1), DONE),
    told(2, 3, save(2), DONE),
    told(4, 5, replace(1, 3), DONE),
  ],
  'a conflict without anybody else': [told(0, 1, save(1), DONE), told(2, 3, replace(1, 2), 'ConflictError')],
  'a torn session': [told(0, 1, save(1), DONE), told(2, 3, load, 'torn')],
  'a value that nobody has written': [told(0, 1, save(1), DONE), told(2, 3, load, valueText(7))],
  'an acknowledged save that is gone': [told(0, 1, save(1), DONE), told(2, 3, exists, 'false')],
  'an update of nothing': [told(0, 1, update(1), DONE)],
  'a touch that is lost': [
    told(0, 1, save(1), DONE),
    told(2, 3, touch(7), 'true'),
    told(4, 5, { kind: 'loadWithExpiry' }, livingText(1, 1)),
  ],
  'a touch that takes back a save': [
    told(0, 1, save(1), DONE),
    told(2, 9, touch(7), 'true'),
    told(3, 4, save(2), DONE),
    told(10, 11, { kind: 'loadWithExpiry' }, livingText(1, 7)),
  ],
  'a lost save that happens twice': [
    lost(0, save(1)),
    told(1, 2, load, valueText(1)),
    told(3, 4, remove, DONE),
    told(5, 6, load, valueText(1)),
  ],
  'a lost save that happens after the death of its process': [
    lost(0, save(1), 4),
    told(5, 6, load, NOTHING),
    told(7, 8, load, valueText(1)),
  ],
}

for (const [name, history] of Object.entries(EXPLAINED)) {
  test(`explains ${name}`, () => {
    assert.ok(explain(SESSION_MODEL, history).explained, toText(history))
    assert.ok(isExplainedBySomeOrder(SESSION_MODEL, history), 'and so does brute force')
  })
}

for (const [name, history] of Object.entries(INEXPLICABLE)) {
  test(`rejects ${name}`, () => {
    assert.not.ok(explain(SESSION_MODEL, history).explained)
    assert.not.ok(isExplainedBySomeOrder(SESSION_MODEL, history), 'and so does brute force')
  })
}

const value = fc.integer({ min: 1, max: 3 })
const life = fc.integer({ min: 0, max: 2 })
const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ kind: fc.constantFrom('create', 'update', 'save'), value, life }),
  fc.record({ kind: fc.constant('replace'), value, life, expected: value }),
  fc.record({ kind: fc.constant('touch'), life }),
  fc.record({ kind: fc.constantFrom('load', 'loadVersion', 'loadWithExpiry', 'exists', 'delete') }),
)

/** Calls done one after the other, each told some time after it began and before it ended. */
function sequential(most: number, reach: number): fc.Arbitrary<History> {
  const before = fc.integer({ min: 0, max: reach })
  const step = fc.record({
    call: anyCall,
    before,
    after: before,
    fate: fc.integer({ min: 0, max: 9 }),
    // Somebody whose operations come in their order, or anybody.
    issuer: fc.constantFrom('a', 'b', undefined),
    ends: fc.boolean(),
  })
  return fc.array(step, { minLength: 1, maxLength: most }).map((steps) => {
    const history: History = []
    let state = SESSION_MODEL.initial
    const latestOf = new Map<string, number>()
    for (const [index, { call, before: early, after, fate, issuer, ends }] of steps.entries()) {
      const [answer, next] = perform(state, call)
      const [began, ended] = [index * 10 - early, index * 10 + after]
      // Of ten, one is lost and has not happened, one is lost and has.
      if (fate > 0) state = next
      const timed = fate > 1 ? told(began, ended, call, answer) : lost(began, call, ends ? ended : undefined)
      const isIssued = issuer !== undefined && began > (latestOf.get(issuer) ?? Number.NEGATIVE_INFINITY)
      if (isIssued) latestOf.set(issuer, began)
      history.push(isIssued ? by(issuer, timed) : timed)
    }
    return history
  })
}

test('explains whatever has happened in some order', () => {
  fc.assert(
    fc.property(sequential(40, 25), (history) => explain(SESSION_MODEL, history).explained),
    { numRuns: budget({ usual: 300, full: 20_000 }) },
  )
})

const ANSWERS = [
  DONE,
  NOTHING,
  'true',
  'false',
  'CreateError',
  'UpdateError',
  'ConflictError',
  ...[1, 2, 3].map(valueText),
]

/** A history of which one answer, or one time, was changed. */
const changed = fc
  .tuple(
    sequential(6, 25),
    fc.nat(),
    fc.constantFrom(...ANSWERS),
    fc.integer({ min: -40, max: 40 }),
    fc.boolean(),
  )
  .map(([history, which, answer, later, isAnswer]): History => {
    const at = which % history.length
    return history.map((timed, index) => {
      if (index !== at || timed.optional) return timed
      if (isAnswer) return { ...timed, operation: { ...timed.operation, told: answer } }
      // No two of one issuer begin at the same moment.
      return { ...timed, began: timed.began + later + 0.5, ended: timed.ended + later + 0.5 }
    })
  })

test('is of one mind with brute force, both ways', () => {
  const verdicts = { explained: 0, rejected: 0 }
  fc.assert(
    fc.property(changed, (history) => {
      const { explained } = explain(SESSION_MODEL, history)
      verdicts[explained ? 'explained' : 'rejected']++
      return explained === isExplainedBySomeOrder(SESSION_MODEL, history)
    }),
    { numRuns: budget({ usual: 2_000, full: 100_000 }) },
  )
  assert.ok(verdicts.explained > 100 && verdicts.rejected > 100, JSON.stringify(verdicts))
})

test('a history made smaller is still inexplicable, and of no more operations than that takes', () => {
  for (const [name, history] of Object.entries(INEXPLICABLE)) {
    const noise = Array.from({ length: 20 }, (_, index) =>
      told(100 + index, 101 + index, save(100 + index), DONE),
    )
    const small = minimise([...history, ...noise])
    assert.not.ok(explain(SESSION_MODEL, small).explained, name)
    assert.ok(small.length <= history.length, `${name}: ${toText(small)}`)
  }
  fc.assert(
    fc.property(changed, (history) => {
      if (explain(SESSION_MODEL, history).explained) return
      const small = minimise(history)
      assert.not.ok(isExplainedBySomeOrder(SESSION_MODEL, small))
      // What was cut off in the midst of an operation may have happened.
      assert.ok(small.length <= history.length)
    }),
    { numRuns: budget({ usual: 300, full: 5_000 }) },
  )
})

test('gives up, and says so, where too much overlaps', () => {
  const history = Array.from({ length: 30 }, (_, index) => told(index, 1000, save(index + 1), DONE))
  history.push(told(1001, 1002, load, NOTHING))
  assert.throws(
    () => explain(SESSION_MODEL, history, 10_000),
    (error: unknown) => error instanceof TooManyStatesError,
  )
})

test('a long history of few at a time takes few states', () => {
  const history: History = []
  for (let turn = 0; turn < 500; turn++) {
    const at = turn * 10
    for (let one = 0; one < 4; one++) history.push(told(at + one, at + 9, save(turn * 4 + one + 1), DONE))
    history.push(told(at + 9.2, at + 9.5, load, valueText(turn * 4 + 1)))
  }
  const { explained, states } = explain(SESSION_MODEL, history)
  assert.ok(explained)
  assert.ok(states < 20_000, `${states} states`)
})

test.run()
