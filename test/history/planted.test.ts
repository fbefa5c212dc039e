import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FULL } from '../budget.js'
import { Fleet } from './fleet.js'
import { InexplicableError, judge } from './judge.js'
import type { Bug } from './planted-bugs.js'
import { ALONE, JOURNAL, SHARED, type Variant } from './variants.js'

const test = suite('planted bugs are caught by the histories that they make')

/** Histories until which each has to be caught: most are by the first. */
const MOST_HISTORIES = 30
const INNOCENT_HISTORIES = 5

interface Case {
  readonly bug: Bug
  readonly variant: Omit<Variant, 'name'>
  /** Also tried in the usual run of all tests. */
  readonly usual?: boolean
}

const CASES: readonly Case[] = [
  {
    bug: 'delete leaves no tombstone',
    variant: { ...SHARED, files: {}, profiles: ['ended', 'ended', 'ended'] },
    usual: true,
  },
  {
    bug: 'create looks, then renames',
    variant: { ...SHARED, files: {}, profiles: ['exclusive', 'revived'] },
  },
  {
    bug: 'replace does not compare',
    variant: { ...ALONE, files: {} },
  },
  {
    bug: 'replace takes no claim',
    variant: { ...SHARED, files: {}, profiles: ['exclusive', 'exclusive'] },
  },
  {
    bug: 'touch puts back what it has read',
    variant: { ...SHARED, files: {}, profiles: ['overwritten', 'revived', 'ended'] },
  },
  { bug: 'load answers from an old copy', variant: { ...ALONE, files: {} } },
  {
    bug: 'acknowledged before it is in place',
    variant: { ...ALONE, files: {} },
    usual: true,
  },
  { bug: 'saves of one turn are one', variant: { ...ALONE, files: {}, profiles: ['overwritten'] } },
  { bug: 'journal is not asked', variant: { ...ALONE, files: JOURNAL } },
  {
    bug: 'journal ends too early',
    variant: { ...ALONE, files: { ...JOURNAL, checkpointInterval: 600 }, kills: true },
    usual: true,
  },
]

/** What the checker says of a variant: of its first history that nothing explains, if there is one. */
async function firstEvidence(variant: Variant, histories: number): Promise<string | undefined> {
  let evidence: string | undefined
  await Fleet.with(variant, async (fleet) => {
    for (let seed = 1; seed <= histories && evidence === undefined; seed++) {
      const history = await fleet.history(seed)
      try {
        judge(history)
      } catch (error) {
        if (!(error instanceof InexplicableError)) throw error
        console.log(`${variant.name}, history ${seed}: ${error.message}`)
        evidence = error.message
      }
    }
  })
  return evidence
}

for (const { bug, variant, usual = false } of CASES) {
  if (!FULL && !usual) continue
  test(bug, async () => {
    const found = await firstEvidence({ ...variant, name: bug, bug }, MOST_HISTORIES)
    assert.is.not(found, undefined, 'every history was explained')
  })
}

if (FULL) {
  test('what is only slow is no bug', async () => {
    const bug = 'update takes its time'
    const variant: Variant = { ...SHARED, files: {}, profiles: ['ended', 'ended', 'ended'], name: bug, bug }
    assert.is(await firstEvidence(variant, INNOCENT_HISTORIES), undefined)
  })
}

test.run()
