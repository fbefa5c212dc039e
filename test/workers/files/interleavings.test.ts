import { readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecordFormat } from '#dist/workers/files/record-format.js'
import { budget } from '../../budget.js'
import { sealBy } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { interrupt } from './cut-points.js'
import {
  INITIAL,
  INITIAL_TEXT,
  isExplained,
  minutesOf,
  OPERATIONS,
  type Operation,
  type Step,
  session,
  type Told,
  textOf,
} from './one-session.js'
import type { StorageDriver as Driver } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { StorageDriver } = await import('./storage-driver.js')
const { DjangoFormat } = await import('#dist/workers/files/django/format.js')
const { SealedFormat } = await import('#dist/workers/files/sealed-format.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const interleavings = suite('interleavings of operations of one key in several processes')

const KEY = 'k'
const STATES = ['absent', 'alive', 'expired', 'empty', 'deleted'] as const
type State = (typeof STATES)[number]

/** Of all scenarios of three, each so-manieth: neighbours differ by one cut point, or by one operation. */
const STRIDE = budget({ usual: 5, full: 1 })

const MINUTE = 60_000
const START = Date.now()

function perform(driver: Driver, { operation, process }: Step): Told {
  switch (operation) {
    case 'create':
    case 'update':
    case 'save':
      return driver[operation](KEY, textOf(process), START + minutesOf('save', process) * MINUTE)
    case 'replace':
      return driver.replace(KEY, textOf(process), INITIAL_TEXT, START + minutesOf('save', process) * MINUTE)
    case 'lengthen':
    case 'shorten':
      return driver.touch(KEY, START + minutesOf(operation, process) * MINUTE)
    case 'end':
      return driver.touch(KEY, START - MINUTE)
    case 'delete':
      return driver.delete(KEY)
    case 'load':
      return load(driver)
    case 'sweep':
    case 'reseal':
      driver.walk(operation)
      return Status.DONE
  }
}

function load(driver: Driver): Told {
  const { status, text, expiry } = driver.one({ opcode: Opcode.LOAD, key: KEY })
  if (status === Status.FAILED) return status
  return text === undefined ? undefined : session(text, Math.round(((expiry ?? 0) - START) / MINUTE))
}

const drivers = ['A', 'B', 'C'].map(() => undefined as Driver | undefined)
const directory = temporaryDirectory('memory')
let format: RecordFormat | undefined
/** Of the session that all begin with, where it is another one. */
let initialFormat: RecordFormat | undefined

function driverOf(process: number): Driver {
  const driver =
    drivers[process] ?? new StorageDriver({ layout: 'flat', directory, orphanGrace: 3_600_000 }, format)
  drivers[process] = driver
  return driver
}

function prepare(state: State): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    // Not rmSync: it takes longer than the scenario.
    if (entry.isDirectory()) rmdirSync(`${directory}/${entry.name}`)
    else unlinkSync(`${directory}/${entry.name}`)
  }
  const driver =
    initialFormat === undefined
      ? driverOf(2)
      : new StorageDriver({ layout: 'flat', directory }, initialFormat)
  if (state === 'alive' || state === 'deleted')
    driver.save(KEY, INITIAL_TEXT, START + minutesOf('initial', 0) * MINUTE)
  if (state === 'deleted') driver.delete(KEY)
  if (state === 'expired') driver.save(KEY, 'expired', 1000)
  if (state === 'empty') writeFileSync(driver.place(KEY).file, '')
}

/**
 * Runs `inner` at their cut points within `outer`; what cannot be explained, in words. One that would have to wait for
 * the outer one is refused and has done nothing: it is tried again at each later cut point, and in the end.
 */
function scenario(
  state: State,
  outer: Operation,
  inner: readonly { readonly at: number; readonly operation: Operation }[],
): { calls: number; fault: string | undefined } {
  prepare(state)
  const outerStep: Step = { operation: outer, process: 0, told: undefined, began: 0, ended: 0 }
  const innerSteps = inner.map(({ at, operation }, index): Step => {
    // Of two at one cut point the second begins when the first has ended.
    const began = at + index / 10
    return { operation, process: index + 1, told: Status.FAILED, began, ended: began }
  })
  const proceed = (call: number): void => {
    for (const step of innerSteps) {
      if (Math.floor(step.began) > call || step.told !== Status.FAILED) continue
      step.told = perform(driverOf(step.process), step)
      step.ended = Math.max(step.ended, call)
    }
  }
  const calls = interrupt(() => {
    outerStep.told = perform(driverOf(0), outerStep)
  }, proceed)
  const reached = innerSteps.filter(({ began }) => began < calls)
  outerStep.ended = calls
  // What still waits goes on when the outer one is through.
  proceed(calls - 0.5)
  const final = load(driverOf(2))
  const initial = state === 'alive' ? INITIAL : undefined
  const story = () =>
    `${state}: ${outer} told ${outerStep.told}; ${innerSteps.map((step) => `${step.operation} at ${Math.floor(step.began)} told ${step.told}`).join('; ')}; stored ${final}`
  if (!isExplained(initial, [outerStep, ...reached], typeof final === 'string' ? final : undefined))
    return { calls, fault: story() }
  // There is nothing corrupt here: who says so has looked twice and seen two different files.
  const notices = drivers.flatMap((driver) => driver?.notices.splice(0) ?? [])
  if (notices.length > 0) return { calls, fault: `${story()}; told ${notices[0]?.reason}` }
  const litter = readdirSync(directory).filter((name) => name !== KEY)
  return { calls, fault: litter.length > 0 ? `${story()}; left ${litter}` : undefined }
}

/** Every cut point of every operation, one other operation in it. */
function twoAtATime(): void {
  const sum: Sum = { scenarios: 0, faults: [] }
  for (const state of STATES)
    for (const outer of OPERATIONS) for (const operation of OPERATIONS) twoOf(sum, state, outer, operation)
  assert.ok(sum.scenarios > 1000, `${sum.scenarios} scenarios`)
  assert.equal(sum.faults, [])
}

interleavings('two at a time: what they tell and what is stored is as if one had been first', twoAtATime)

interleavings('two at a time, with records as Django has them', () => {
  format = new DjangoFormat(
    { secrets: ['secret'], salt: 'salt', cookieAge: 3_600_000, expireIdle: false },
    { maxRecordBytes: 1000, placeholderLife: 0 },
  )
  drivers.fill(undefined)
  try {
    twoAtATime()
  } finally {
    format = undefined
    drivers.fill(undefined)
  }
})

function withSeal(task: () => void): void {
  format = new SealedFormat(sealBy(1, 2))
  initialFormat = new SealedFormat(sealBy(2))
  drivers.fill(undefined)
  try {
    task()
  } finally {
    format = undefined
    initialFormat = undefined
    drivers.fill(undefined)
  }
}

interleavings('two at a time, one of which seals the session anew', () => {
  const sum: Sum = { scenarios: 0, faults: [] }
  withSeal(() => {
    for (const operation of [...OPERATIONS, 'reseal'] as const) {
      twoOf(sum, 'alive', 'reseal', operation)
      twoOf(sum, 'alive', operation, 'reseal')
    }
  })
  assert.ok(sum.scenarios > 300, `${sum.scenarios} scenarios`)
  assert.equal(sum.faults, [])
})

/** With a sealing anew around two others, or as one of two within another. */
interleavings('three at a time, one of which seals the session anew', () => {
  const sum: Sum = { scenarios: 0, faults: [] }
  const all = ['create', 'update', 'replace', 'save', 'lengthen', 'shorten', 'delete'] as const
  const stride = budget({ usual: 197, full: 1 })
  withSeal(() => {
    for (const first of all) {
      for (const second of all) {
        threeAtATime(sum, 'alive', 'reseal', [first, second], stride)
        threeAtATime(sum, 'alive', first, ['reseal', second], stride)
        threeAtATime(sum, 'alive', first, [second, 'reseal'], stride)
      }
    }
  })
  assert.ok(sum.scenarios > 20_000, `${sum.scenarios} scenarios`)
  assert.equal(sum.faults, [])
})

function twoOf(sum: Sum, state: State, outer: Operation, operation: Operation): void {
  // Interrupted early, an operation may have fewer calls left to make than alone: those later ones count, too.
  let { calls } = scenario(state, outer, [])
  for (let at = 0; at < calls; at++) {
    const outcome = scenario(state, outer, [{ at, operation }])
    calls = Math.max(calls, outcome.calls)
    sum.scenarios++
    if (outcome.fault !== undefined) sum.faults.push(outcome.fault)
  }
}

/** Every pair of cut points of every operation that changes anything, two other ones in them. */
interleavings('three at a time', () => {
  const sum: Sum = { scenarios: 0, faults: [] }
  // An empty file is treated as an expired one is, a touch that ends a session as a delete.
  for (const state of STATES.filter((state) => state !== 'empty')) {
    // A sweep does nothing where all is young and alive; replaces have a test of their own.
    const idle = ['load', 'end', 'replace', state === 'expired' ? '' : 'sweep']
    const changing = OPERATIONS.filter((operation) => !idle.includes(operation))
    const inner = changing.filter((operation) => operation !== 'lengthen')
    for (const outer of changing)
      for (const first of inner)
        for (const second of inner) threeAtATime(sum, state, outer, [first, second], STRIDE)
  }
  assert.ok(sum.scenarios > 20_000, `${sum.scenarios} scenarios`)
  assert.equal(sum.faults, [])
})

/** The same for replaces, of which one takes effect, among each other and with those who hold a claim, too. */
interleavings('three at a time, one of them a replace', () => {
  const sum: Sum = { scenarios: 0, faults: [] }
  const exclusive = ['replace', 'create', 'delete'] as const
  for (const outer of exclusive) {
    for (const first of exclusive) {
      for (const second of exclusive) {
        const all: Operation[] = [outer, first, second]
        if (all.includes('replace')) threeAtATime(sum, 'alive', outer, [first, second])
      }
    }
  }
  assert.ok(sum.scenarios > 1000, `${sum.scenarios} scenarios`)
  assert.equal(sum.faults, [])
})

interface Sum {
  scenarios: number
  readonly faults: string[]
}

function threeAtATime(
  sum: Sum,
  state: State,
  outer: Operation,
  [first, second]: readonly [Operation, Operation],
  stride = 1,
): void {
  let { calls } = scenario(state, outer, [])
  for (let at = 0; at < calls; at++) {
    for (let later = at; later < calls; later++) {
      if (sum.scenarios++ % stride > 0) continue
      const outcome = scenario(state, outer, [
        { at, operation: first },
        { at: later, operation: second },
      ])
      calls = Math.max(calls, outcome.calls)
      if (outcome.fault !== undefined) sum.faults.push(outcome.fault)
    }
  }
}

interleavings.run()
