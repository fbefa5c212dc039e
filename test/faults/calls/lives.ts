import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import type { SessionEngine } from 'coatcheck'
import * as assert from 'uvu/assert'
import { litterOrAsideIn } from '../../fixtures/litter.js'
import type { Fault } from '../fault.js'
import { hasFailed, mayLeaveLitter, openBelow, type RunPlan, settle, wordFor } from './outcomes.js'
import type { Subject } from './subject.js'
import { copyWithoutSockets, type EngineKind, makeEngine, sweepClean } from './trial-engine.js'
import { isSame, look, OLD, store } from './trials.js'

/*
 * The opening and the closing of an engine: each run has a directory and an engine of its own, and takes a quarter of a second,
 * for worker threads have to start.
 */

/** What is stored when an engine opens or closes. */
export const LIVE = ['one', 'another', 'a third']
const EXPIRED = 'expired'
const DELETED = 'deleted'

/** Runs a task under the fault of a run. */
type Under = (task: () => Promise<void>) => Promise<void>

/** The subjects of a kind of engine, in directories below `parent`. */
export function livesOf(parent: string, kind: EngineKind, fault: Fault): Subject[] {
  let last = 0
  let image: string | undefined
  const subject = (
    name: string,
    body: (directory: string, under: Under, plan: RunPlan) => Promise<void>,
  ): Subject => ({
    name,
    takesLong: true,
    run: async (plan) => {
      const directory = `${parent}/life-${++last}`
      let fired = false
      const under: Under = async (task) => {
        fault.set({ ...plan, path: directory })
        const settlement = await settle(task())
        fault.lift()
        fired = fault.fired > 0
        if ('error' in settlement) assertTyped(settlement, plan)
      }
      await body(directory, under, plan)
      assert.equal(openBelow(directory), [], 'nothing is open')
      rmSync(directory, { recursive: true, force: true })
      return fired
    },
    finish: () => Promise.resolve(),
  })
  const open = async (
    directory: string,
    under: Under,
    plan: RunPlan,
    keys: readonly string[],
  ): Promise<void> => {
    const engine = makeEngine(directory, kind)
    await under(() => engine.ready())
    await engine.ready()
    await assertSound(engine, { directory, kind }, keys, plan)
  }
  return [
    subject('opening where nothing is', (directory, under, plan) => open(directory, under, plan, [])),
    subject('opening where a crash has left a journal', async (directory, under, plan) => {
      image ??= await makeImage(`${directory}-image`, kind)
      mkdirSync(directory)
      copyWithoutSockets(image, directory)
      await open(directory, under, plan, LIVE)
    }),
    subject('closing', async (directory, under, plan) => {
      const engine = makeEngine(directory, kind)
      await fillWith(engine)
      await under(() => engine.close())
      assert.equal(openBelow(directory), [], 'nothing is open when it is closed')
      await assertSound(makeEngine(directory, kind), { directory, kind }, LIVE, plan)
    }),
  ]
}

/** Stores what there is to be found, and what there is not. */
export async function fillWith(engine: SessionEngine): Promise<void> {
  await Promise.all(LIVE.map((key) => store(engine, key, OLD)))
  await store(engine, EXPIRED, { ...OLD, expires: 1000 })
  await store(engine, DELETED, OLD)
  await engine.delete(DELETED)
}

/** Finds these, and nothing that has ended. */
export async function assertStored(engine: SessionEngine, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const found = await look(engine, key)
    assert.ok(isSame(found, OLD), `${key} is ${JSON.stringify(found)}`)
  }
  for (const key of [EXPIRED, DELETED]) assert.is(await look(engine, key), undefined, key)
}

/** Fails unless it is the one error type there is for this, with the code of the fault. */
export function assertTyped(settlement: Awaited<ReturnType<typeof settle>>, plan: RunPlan): void {
  assert.ok(hasFailed(settlement, plan), `rejected with ${wordFor(settlement)}`)
}

/** What a crash would leave, of an engine with this seal. */
async function makeImage(directory: string, { seal }: EngineKind): Promise<string> {
  const alive = `${directory}-alive`
  const engine = makeEngine(alive, { durability: 'journal', ...(seal === undefined ? {} : { seal }) })
  await fillWith(engine)
  copyWithoutSockets(alive, directory)
  await engine.close()
  rmSync(alive, { recursive: true })
  return directory
}

/** Removes what an engine could not remove that had a journal, or brought one to files. */
async function openAndClose(engine: SessionEngine): Promise<void> {
  await engine.ready()
  await engine.close()
}

/** The fault has ended: sessions are there, new ones can be stored, and nothing but sessions is left. */
async function assertSound(
  engine: SessionEngine,
  { directory, kind }: { readonly directory: string; readonly kind: EngineKind },
  keys: readonly string[],
  plan: RunPlan,
): Promise<void> {
  await assertStored(engine, keys)
  await store(engine, 'new', OLD)
  if (mayLeaveLitter(plan.calls)) await sweepClean(engine, directory)
  await engine.close()
  if (mayLeaveLitter(plan.calls)) await openAndClose(makeEngine(directory, kind))
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const left = names.filter((name) => name.startsWith('.journal'))
  assert.is(
    [...litterOrAsideIn(names), ...left].join(),
    '',
    `${[...litterOrAsideIn(names), ...left]} lies about`,
  )
}
