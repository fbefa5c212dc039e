import { readdirSync } from 'node:fs'
import type { SessionEngine } from 'coatcheck'
import * as assert from 'uvu/assert'
import { litterOrAsideIn } from '../../fixtures/litter.js'
import type { Fault } from '../fault.js'
import { assertStored, assertTyped, fillWith, LIVE } from './lives.js'
import { mayLeaveLitter, openBelow, settle } from './outcomes.js'
import type { Subject } from './subject.js'
import { type EngineKind, makeEngine, sweepClean } from './trial-engine.js'
import { look } from './trials.js'

/*
 * What goes through all sessions: each subject has an engine of its own, which is filled anew for each run.
 */

interface Walk {
  readonly name: string
  task(engine: SessionEngine): Promise<unknown>
  /** What has to hold when it was told to have succeeded. */
  check(value: unknown, directory: string): void
}

const WALKS: readonly Walk[] = [
  { name: 'count', task: (engine) => engine.count(), check: (value) => assert.is(value, LIVE.length) },
  { name: 'keys', task: keysOf, check: (value) => assert.equal(value, [...LIVE].sort()) },
  {
    name: 'sweep',
    task: (engine) => engine.clearExpired(),
    check: (value) => assert.ok((value as { readonly scanned: number }).scanned >= LIVE.length),
  },
  { name: 'clear', task: (engine) => engine.clear(), check: () => undefined },
]
const CHECKPOINT: Walk = {
  name: 'checkpoint',
  task: (engine) => engine.flush({ files: true }),
  check: (_, directory) =>
    assert.equal(
      readdirSync(`${directory}/.journal`).filter((name) => name.endsWith('.log')),
      [],
    ),
}

/** The subjects of a kind of engine, in directories below `parent`. */
export function walksOf(parent: string, kind: EngineKind, fault: Fault): Subject[] {
  const walks = kind.durability === 'journal' ? [...WALKS, CHECKPOINT] : WALKS
  return walks.map((walk) => subjectOf(walk, `${parent}/${walk.name}`, kind, fault))
}

function subjectOf(walk: Walk, directory: string, sharded: EngineKind, fault: Fault): Subject {
  // Opening 256 directories is 256 times the same.
  const kind: EngineKind = { ...sharded, layout: 'flat' }
  let engine: SessionEngine | undefined
  const known = new Set<string>()
  const open = (path: string): string[] => openBelow(path).filter((name) => !name.includes('.journal'))
  return {
    name: walk.name,
    takesLong: false,
    run: async (plan) => {
      engine ??= makeEngine(directory, kind)
      await fillWith(engine)
      fault.set({ ...plan, path: directory })
      const settlement = await settle(walk.task(engine))
      fault.lift()
      const { fired } = fault
      if ('value' in settlement) walk.check(settlement.value, directory)
      else assertTyped(settlement, plan)
      const left: string[] = []
      for (const key of LIVE) if ((await look(engine, key)) !== undefined) left.push(key)
      if (walk.name !== 'clear') assert.equal(left, LIVE)
      else if ('value' in settlement) assert.equal(left, [])
      await assertStored(engine, left)
      assert.equal(open(directory), [], 'no descriptor is left open')
      const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      const litter = litterOrAsideIn(names).filter((name) => !known.has(name))
      if (!mayLeaveLitter(plan.calls)) assert.is(litter.join(), '', `${litter} lies about`)
      for (const name of litter) known.add(name)
      return fired > 0
    },
    finish: async () => {
      if (engine === undefined) return
      await sweepClean(engine, directory)
      await engine.close()
      assert.equal(openBelow(directory), [], 'nothing is open')
    },
  }
}

async function keysOf(engine: SessionEngine): Promise<string[]> {
  const keys: string[] = []
  for await (const key of engine.keys()) keys.push(key)
  return keys.sort()
}
