import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { SessionEngine, SweepResult } from 'coatcheck'
import * as assert from 'uvu/assert'
import { RECORD_HEADER } from '#dist/workers/record/record.js'
import { litterOrAsideIn } from '../../fixtures/litter.js'
import type { Fault } from '../fault.js'
import { assertStored, assertTyped, fillWith, LIVE } from './lives.js'
import { mayLeaveLitter, openBelow, type RunPlan, settle } from './outcomes.js'
import type { Subject } from './subject.js'
import { type EngineKind, makeEngine, SEAL_KEYS, sweepClean } from './trial-engine.js'
import { OLD, store } from './trials.js'

/*
 * Sealing anew: each run finds sessions that an older key has sealed. Whatever fails, none of them is lost, those that were
 * left out are told of, and the next one finishes.
 */

const [NEWEST, OLDER] = SEAL_KEYS
/** Whoever meets a claim that could not be taken away waits half a second for it: once in a while. */
const WAIT_EVERY = 16

/** The subject of a kind of engine, in directories below `parent`. */
export function resealOf(parent: string, sharded: EngineKind, fault: Fault): Subject {
  const directory = `${parent}/sessions`
  // Opening 256 directories is 256 times the same.
  const kind: EngineKind = { ...sharded, layout: 'flat', seal: [NEWEST, OLDER] }
  let engine: SessionEngine | undefined
  let image: Image | undefined
  let runs = 0

  const assertFinished = async (engine: SessionEngine, image: Image): Promise<void> => {
    await engine.clearExpired({ reseal: true })
    assert.equal(image.stillOld(directory), [], 'sealed by the older key when all has been sealed anew')
    await assertStored(engine, LIVE)
  }

  const open = (): string[] => openBelow(directory).filter((name) => !name.includes('.journal'))

  const run = async (engine: SessionEngine, image: Image, plan: RunPlan): Promise<boolean> => {
    image.fill(directory)
    fault.set({ ...plan, path: directory })
    const settlement = await settle(engine.clearExpired({ reseal: true }))
    fault.lift()
    const { fired } = fault
    const left = image.stillOld(directory)
    if ('value' in settlement) assertTold(settlement.value as SweepResult, left)
    else assertTyped(settlement, plan)
    assert.equal(open(), [], 'no descriptor is left open')
    await assertStored(engine, LIVE)
    const litter = litterOrAsideIn(readdirSync(directory))
    if (!mayLeaveLitter(plan.calls) && !plan.calls.includes('stat'))
      assert.is(litter.join(), '', `${litter} lies about`)
    if (++runs % WAIT_EVERY === 0) await sweepClean(engine, directory)
    else for (const name of litter) if (name.endsWith('.claim')) rmSync(`${directory}/${name}`)
    await assertFinished(engine, image)
    await store(engine, 'new', OLD)
    return fired > 0
  }

  return {
    name: 'sealing anew',
    takesLong: false,
    run: async (plan) => {
      image ??= await Image.make(`${parent}/image`)
      engine ??= makeEngine(directory, kind)
      await engine.ready()
      return await run(engine, image, plan)
    },
    finish: async () => {
      if (engine === undefined) return
      await sweepClean(engine, directory)
      await engine.close()
      assert.equal(openBelow(directory), [], 'nothing is open when it is closed')
    },
  }
}

/** A session that is not sealed anew has been told of, unless it was taken for one that somebody is just writing. */
function assertTold({ resealed, refused }: SweepResult, left: readonly string[]): void {
  assert.ok(resealed + refused >= LIVE.length, `${resealed} sealed anew, ${refused} told of`)
  assert.ok(refused >= left.length, `${left} are sealed by the older key, ${refused} told of`)
}

/** Sessions as an older key has sealed them: files that can be put in their places again and again. */
class Image {
  readonly #directory: string
  /** The number of the older key. */
  readonly #older: number
  readonly #names: readonly string[]

  private constructor(directory: string) {
    this.#directory = directory
    this.#names = readdirSync(directory).filter((name) => name !== 'expired')
    const [first = ''] = this.#names
    this.#older = sealKeyOf(`${directory}/${first}`)
  }

  static async make(directory: string): Promise<Image> {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const engine = makeEngine(directory, { layout: 'flat', seal: [OLDER] })
    await fillWith(engine)
    await engine.close()
    const image = new Image(directory)
    assert.is(image.#names.length, LIVE.length)
    return image
  }

  fill(directory: string): void {
    cpSync(this.#directory, directory, { recursive: true, preserveTimestamps: true })
  }

  /** The names of files in a directory that the older key has sealed; none that is missing, for it may be held. */
  stillOld(directory: string): string[] {
    const present = readdirSync(directory)
    return this.#names
      .filter((name) => present.includes(name))
      .filter((name) => sealKeyOf(`${directory}/${name}`) === this.#older)
  }
}

/** The number of the key that a session's file was sealed with. */
function sealKeyOf(path: string): number {
  return readFileSync(path).readUInt32LE(RECORD_HEADER)
}
