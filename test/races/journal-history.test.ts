import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Ledger, type StepKind, stepKind } from './journal-history.js'

const ledgers = suite('what has to be stored')

const KEY = 'key'

/** A ledger that has the power cut where steps of these kinds follow, and what was stored then. */
function cutBefore(...kinds: readonly StepKind[]): { readonly ledger: Ledger; readonly stored: number } {
  let stored = 1
  while (!kinds.every((kind, index) => stepKind(KEY, stored + 1 + index) === kind)) stored++
  const ledger = new Ledger({ [KEY]: { step: stored, version: stored } })
  ledger.cut()
  return { ledger, stored }
}

function acknowledge(ledger: Ledger, ...outcomes: readonly string[]): void {
  for (const outcome of outcomes) ledger.acknowledge(KEY, ledger.step(KEY) + 1, outcome)
}

ledgers('what was acknowledged before the power was cut has to be there', () => {
  const { ledger, stored } = cutBefore('save')
  assert.throws(() => ledger.found(KEY, undefined), /nothing is stored after/)
  assert.throws(() => ledger.found(KEY, stored - 1), /is stored after/)
  // The step that was under way.
  ledger.found(KEY, stored + 1)
})

ledgers('one change may be acknowledged too many, also when steps follow that change nothing', () => {
  for (const [kinds, outcomes] of [
    [['save'], ['done']],
    [
      ['save', 'create'],
      ['done', 'exists'],
    ],
    [
      ['save', 'create', 'touch'],
      ['done', 'exists', 'done'],
    ],
    [
      ['delete', 'update'],
      ['done', 'missing'],
    ],
  ] as const) {
    const { ledger, stored } = cutBefore(...kinds)
    acknowledge(ledger, ...outcomes)
    ledger.found(KEY, stored)
    assert.equal([ledger.step(KEY), ledger.state(KEY)], [stored, stored], kinds.join())
  }
})

ledgers('no more than one', () => {
  const first = cutBefore('save', 'save')
  acknowledge(first.ledger, 'done', 'done')
  first.ledger.found(KEY, first.stored + 1)
  const second = cutBefore('save', 'save')
  acknowledge(second.ledger, 'done', 'done')
  assert.throws(() => second.ledger.found(KEY, second.stored), /is stored after/)
})

ledgers.run()
