import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  lstatSync as statOf,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interleave } from './cut-points.js'
import { scratchDirectory } from './scratch.js'
import type { StorageDriver as Driver } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { StorageDriver } = await import('./storage-driver.js')
const { Status } = await import('#dist/workers/protocol/index.js')

const interleavings = suite('interleavings of operations of one key in several processes')

const KEY = 'k'
const OPERATIONS = ['create', 'update', 'save', 'touch', 'delete', 'load', 'sweep'] as const
type Operation = (typeof OPERATIONS)[number]
const STATES = ['absent', 'alive', 'expired', 'empty', 'deleted'] as const
type State = (typeof STATES)[number]

/** What an operation told: its status, or what it loaded. */
type Told = number | string | undefined

/** An operation as it would be if it were alone: what it tells, and what is stored after it. */
function model(
  operation: Operation,
  writer: string,
  stored: string | undefined,
): [told: Told, stored: string | undefined] {
  const { DONE, ABSENT, CONFLICT } = Status
  switch (operation) {
    case 'create':
      return stored === undefined ? [DONE, writer] : [CONFLICT, stored]
    case 'update':
      return stored === undefined ? [ABSENT, undefined] : [DONE, writer]
    case 'save':
      return [DONE, writer]
    case 'touch':
      return [stored === undefined ? ABSENT : DONE, stored]
    case 'delete':
      return [DONE, undefined]
    case 'load':
      return [stored, stored]
    case 'sweep':
      return [DONE, stored]
  }
}

function perform(driver: Driver, operation: Operation, writer: string): Told {
  switch (operation) {
    case 'create':
    case 'update':
    case 'save':
      return driver[operation](KEY, writer)
    case 'touch':
      return driver.touch(KEY, Date.now() + 7_200_000)
    case 'delete':
      return driver.delete(KEY)
    case 'load':
      return driver.load(KEY)
    case 'sweep':
      driver.walk('sweep')
      return Status.DONE
  }
}

interface Step {
  readonly operation: Operation
  readonly writer: string
  told: Told
}

/** Whether some order, in which `fixed` keep theirs, explains what everybody was told and what is stored now. */
function isExplained(
  initial: string | undefined,
  outer: Step,
  fixed: readonly Step[],
  final: string | undefined,
): boolean {
  for (let position = 0; position <= fixed.length; position++) {
    const order = [...fixed.slice(0, position), outer, ...fixed.slice(position)]
    let stored = initial
    const fits = order.every(({ operation, writer, told }) => {
      // Honestly refused: it did nothing.
      if (told === Status.FAILED) return true
      const [expected, next] = model(operation, writer, stored)
      stored = next
      return expected === told
    })
    if (fits && stored === final) return true
  }
  return false
}

const drivers = ['A', 'B', 'C'].map(() => undefined as Driver | undefined)
const directory = scratchDirectory('memory')

function driverOf(process: number): Driver {
  const driver = drivers[process] ?? new StorageDriver({ layout: 'flat', directory, orphanGrace: 3_600_000 })
  drivers[process] = driver
  return driver
}

function prepare(state: State): void {
  for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true })
  const driver = driverOf(2)
  if (state === 'alive' || state === 'deleted') driver.save(KEY, 'initial')
  if (state === 'deleted') driver.delete(KEY)
  if (state === 'expired') driver.save(KEY, 'expired', 1000)
  if (state === 'empty') writeFileSync(driver.place(KEY).file, '')
}

/** Runs `inner` at their cut points within `outer`; what cannot be explained, in words. */
function scenario(
  state: State,
  outer: Operation,
  inner: readonly { readonly at: number; readonly operation: Operation }[],
): { calls: number; fault: string | undefined } {
  prepare(state)
  const outerStep: Step = { operation: outer, writer: 'by A', told: undefined }
  const innerSteps = inner.map(
    ({ operation }, index): Step => ({ operation, writer: `by ${'BC'[index]}`, told: undefined }),
  )
  const calls = interleave(
    () => {
      outerStep.told = perform(driverOf(0), outer, outerStep.writer)
    },
    innerSteps.map((step, index) => ({
      at: inner[index]?.at ?? 0,
      run: () => {
        step.told = perform(driverOf(index + 1), step.operation, step.writer)
      },
    })),
  )
  const final = driverOf(2).load(KEY)
  const initial = state === 'alive' ? 'initial' : undefined
  const reached = innerSteps.filter((_, index) => (inner[index]?.at ?? 0) < calls)
  const story = () =>
    `${state}: ${outer} told ${outerStep.told}; ${innerSteps.map((step, index) => `${step.operation} at ${inner[index]?.at} told ${step.told}`).join('; ')}; stored ${final}`
  if (!isExplained(initial, outerStep, reached, final)) return { calls, fault: story() }
  // There is nothing corrupt here: who says so has looked twice and seen two different files.
  const notices = drivers.flatMap((driver) => driver?.notices.splice(0) ?? [])
  if (notices.length > 0) return { calls, fault: `${story()}; told ${notices[0]?.reason}` }
  const litter = readdirSync(directory).filter((name) => name !== KEY)
  return { calls, fault: litter.length > 0 ? `${story()}; left ${litter}` : undefined }
}

/**
 * What plain POSIX calls leave open, a matter of microseconds and of three processes that meet in one key: in the
 * middle of the removal of an expired file that is renewed in that moment, a create finds the place empty. Save and
 * create are both told that they won.
 */
function isKnownLimit(state: State, outer: Operation, first: Operation, second: Operation): boolean {
  if (second !== 'create') return false
  return (
    (state === 'expired' || state === 'empty') &&
    first === 'save' &&
    (outer === 'create' || outer === 'sweep')
  )
}

/** Every cut point of every operation, one other operation in it. */
interleavings('two at a time: what they tell and what is stored is as if one had been first', () => {
  const faults: string[] = []
  let scenarios = 0
  for (const state of STATES) {
    for (const outer of OPERATIONS) {
      for (const operation of OPERATIONS) {
        // Interrupted early, an operation may have fewer calls left to make than alone: those later ones count, too.
        let { calls } = scenario(state, outer, [])
        for (let at = 0; at < calls; at++) {
          const outcome = scenario(state, outer, [{ at, operation }])
          calls = Math.max(calls, outcome.calls)
          scenarios++
          if (outcome.fault !== undefined) faults.push(outcome.fault)
        }
      }
    }
  }
  assert.ok(scenarios > 1000, `${scenarios} scenarios`)
  assert.equal(faults, [])
})

interleavings('three at a time', () => {
  const faults: string[] = []
  let scenarios = 0
  const writers = OPERATIONS.filter((operation) => operation !== 'load' && operation !== 'touch')
  for (const state of STATES) {
    for (const outer of ['create', 'update', 'save', 'sweep'] as const) {
      for (const first of writers) {
        for (const second of writers) {
          const calls = scenario(state, outer, []).calls
          for (let at = 0; at < calls; at++) {
            for (let later = at; later < calls + 4; later++) {
              scenarios++
              if (isKnownLimit(state, outer, first, second)) continue
              const { fault } = scenario(state, outer, [
                { at, operation: first },
                { at: later, operation: second },
              ])
              if (fault !== undefined) faults.push(fault)
            }
          }
        }
      }
    }
  }
  assert.ok(scenarios > 10_000, `${scenarios} scenarios`)
  assert.equal(faults, [])
})

interleavings('what a load takes for corrupt goes aside, never what has come in its place', () => {
  // On the disk: ext4 gives a new file the inode's number of the one that has just gone.
  const onDisk = scratchDirectory('disk')
  const [reader, writer] = [1, 2].map(() => new StorageDriver({ layout: 'flat', directory: onDisk })) as [
    Driver,
    Driver,
  ]
  const { file } = reader.place(KEY)
  const obstacles = {
    damaged: () => writeFileSync(file, 'damaged'),
    link: () => symlinkSync('nowhere', file),
    directory: () => mkdirSync(file),
  }
  const intruders = {
    // Honestly refused while the other process is at it: then there is nothing to expect.
    'two saves': () => {
      writer.save(KEY, 'first')
      return writer.save(KEY, 'second') === Status.DONE ? 'second' : undefined
    },
    'save and delete': () => {
      writer.save(KEY, 'first')
      writer.delete(KEY)
      return undefined
    },
  }
  for (const [obstacle, put] of Object.entries(obstacles)) {
    for (const [what, intrude] of Object.entries(intruders)) {
      for (let at = 0, calls = 12; at < calls; at++) {
        for (const name of readdirSync(onDisk)) rmSync(`${onDisk}/${name}`, { recursive: true })
        put()
        let expected: string | undefined
        const run = (): void => {
          expected = intrude()
        }
        calls = Math.max(
          calls,
          interleave(() => reader.load(KEY), [{ at, run }]),
        )
        const story = `${obstacle}, ${what} at ${at}`
        assert.is(writer.load(KEY), expected, story)
        const tombs = readdirSync(onDisk, { withFileTypes: true }).filter(
          (entry) =>
            entry.name.includes('.corrupt-') && (statOf(`${onDisk}/${entry.name}`).mode & 0o1000) !== 0,
        )
        assert.equal(tombs, [], `${story}: a tombstone was moved aside`)
      }
    }
  }
})

interleavings('a session that was taken to be looked at and put back is found', () => {
  prepare('alive')
  const { file } = driverOf(0).place(KEY)
  for (const look of ['load', 'exists', 'touch', 'update'] as const) {
    for (let at = 0; at < 12; at++) {
      let told: unknown
      const away = { at, run: () => existsSync(file) && renameSync(file, `${directory}/.away`) }
      const back = {
        at: at + 1,
        run: () => existsSync(`${directory}/.away`) && renameSync(`${directory}/.away`, file),
      }
      interleave(
        () => {
          if (look === 'load') told = driverOf(0).load(KEY) !== undefined
          else if (look === 'exists') told = driverOf(0).exists(KEY)
          else if (look === 'touch') told = driverOf(0).touch(KEY, Date.now() + 7_200_000) !== Status.ABSENT
          else told = driverOf(0).update(KEY, 'new') !== Status.ABSENT
        },
        [away, back].map(({ at, run }) => ({ at, run: () => void run() })),
      )
      if (existsSync(`${directory}/.away`)) renameSync(`${directory}/.away`, file)
      assert.is(told, true, `${look}, away for call ${at}`)
    }
  }
})

interleavings.run()
