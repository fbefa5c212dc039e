import { existsSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Place } from '#dist/workers/files/layout.js'
import { litterIn } from '../fixtures/litter.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { failing, refusing } from '../workers/files/cut-points.js'
import type { StorageDriver as Driver, Step, StepOutcome } from '../workers/files/storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be made to fail.
const { StorageDriver } = await import('../workers/files/storage-driver.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const faults = suite('every file system call fails once')

const KEY = 'k'
const HOUR = 3_600_000
const directory = temporaryDirectory('memory')

type State = 'absent' | 'alive' | 'expired' | 'deleted' | 'damaged' | 'directory'

function prepare(driver: Driver, state: State): void {
  for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true })
  const { file } = driver.place(KEY)
  if (state === 'absent') return
  driver.save(KEY, 'previous', state === 'expired' ? 1000 : Date.now() + 2 * HOUR)
  if (state === 'deleted') driver.delete(KEY)
  if (state === 'damaged') {
    writeFileSync(file, 'damaged')
    utimesSync(file, new Date(), new Date(Date.now() + 2 * HOUR))
  }
  if (state === 'directory') renameSync(driver.place(KEY).directory, `${directory}/moved`)
}

const operations: Record<string, Step> = {
  create: { opcode: Opcode.CREATE, key: KEY, text: 'new' },
  update: { opcode: Opcode.UPDATE, key: KEY, text: 'new' },
  save: { opcode: Opcode.SAVE, key: KEY, text: 'new' },
  replace: { opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'previous' },
  'longer touch': { opcode: Opcode.TOUCH, key: KEY, expiry: Date.now() + 9 * HOUR },
  'shorter touch': { opcode: Opcode.TOUCH, key: KEY, expiry: Date.now() + HOUR },
  load: { opcode: Opcode.LOAD, key: KEY },
  exists: { opcode: Opcode.EXISTS, key: KEY },
  delete: { opcode: Opcode.DELETE, key: KEY },
}

/** What an operation has to tell, and to leave, if it is not refused. */
function dueOf(operation: string, state: State): readonly [status: number, stored: string | undefined] {
  const isAlive = state === 'alive'
  // By its time alone; nobody looks into it who has no need to.
  const seemsAlive = isAlive || state === 'damaged'
  switch (operation) {
    case 'create':
      if (isAlive) return [Status.CONFLICT, 'previous']
      return seemsAlive ? [Status.CONFLICT, undefined] : [Status.DONE, 'new']
    case 'save':
      return [Status.DONE, 'new']
    case 'delete':
      return [Status.DONE, undefined]
    case 'update':
      return seemsAlive ? [Status.DONE, 'new'] : [Status.ABSENT, undefined]
    case 'replace':
      return isAlive ? [Status.DONE, 'new'] : [Status.ABSENT, undefined]
    case 'load':
    case 'shorter touch':
      return isAlive ? [Status.DONE, 'previous'] : [Status.ABSENT, undefined]
    default:
      return [seemsAlive ? Status.DONE : Status.ABSENT, isAlive ? 'previous' : undefined]
  }
}

interface FailedCall {
  readonly name: string
  /** What was opened last, be it by this call: for the sync of a directory, the directory. */
  readonly opened: unknown
}

/** Runs a task in which one call, counted from 0, fails with a code; that call, if there are so many. */
function failingCall(task: () => void, at: number, code: string): FailedCall | undefined {
  let calls = 0
  let opened: unknown
  let failed: FailedCall | undefined
  refusing(task, (name, path) => {
    if (name === 'openSync') opened = path
    if (calls++ !== at) return undefined
    failed = { name, opened }
    return code
  })
  return failed
}

/** Whether it is one of those that bring a directory to the disk: what is in there has taken effect by then. */
function isDirectorySync({ name, opened }: FailedCall, { directory: shard }: Place): boolean {
  if (!['openSync', 'fsyncSync', 'closeSync'].includes(name)) return false
  return opened === shard || opened === directory
}

function removeClaim(driver: Driver): void {
  rmSync(driver.place(KEY).claim, { force: true })
}

const descriptors = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)

for (const fsync of [false, true]) {
  for (const code of ['EIO', 'EPERM', 'EMFILE']) {
    const title = `${code}${fsync ? ', with fsync' : ''}: told, nothing lost, nothing left, and the next try works`
    faults(title, () => {
      const driver = new StorageDriver({ directory, fsync })
      const open = descriptors()
      for (const [operation, step] of Object.entries(operations)) {
        for (const state of ['absent', 'alive', 'expired', 'deleted', 'damaged', 'directory'] as const) {
          for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
            prepare(driver, state)
            let outcome: StepOutcome | undefined
            const call = failingCall(() => (outcome = driver.one(step)), at, code)
            failed = call?.name
            const story = `${operation} where it is ${state}, ${failed} made to fail (call ${at})`
            // A claim that could not be taken away is no obstacle, but one to be waited for: here, where waiting takes no
            // time, in vain.
            const isClaim = failed === 'unlinkSync' && outcome?.failure?.code === 'EBUSY'
            if (outcome?.status === Status.FAILED && !isClaim) assert.is(outcome.failure?.code, code, story)
            if (failed === 'unlinkSync') removeClaim(driver)
            const found = driver.load(KEY)
            const [status, due] = dueOf(operation, state)
            const before = state === 'alive' ? 'previous' : undefined
            if (outcome?.status !== Status.FAILED)
              assert.equal([outcome?.status, found], [status, due], story)
            else if (fsync && call !== undefined && isDirectorySync(call, driver.place(KEY)))
              assert.ok(found === before || found === due, `${story}: ${found}`)
            else assert.is(found, before, story)
            const litter = litterIn(readdirSync(directory, { recursive: true, encoding: 'utf8' }))
            if (failed !== 'unlinkSync' && failed !== 'rmdirSync') assert.equal(litter, [], story)
            assert.is(driver.save(KEY, 'next'), Status.DONE, story)
            assert.is(driver.load(KEY), 'next', story)
          }
        }
      }
      assert.is(descriptors(), open, 'descriptors are closed')
    })
  }
}

faults('without hard links, creates are exclusive and what was taken is put back', () => {
  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']) {
    const driver = new StorageDriver({ directory })
    for (const [state, expected] of [
      ['absent', Status.DONE],
      ['expired', Status.DONE],
      ['deleted', Status.DONE],
      ['alive', Status.CONFLICT],
    ] as const) {
      for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
        prepare(driver, state)
        let status: number | undefined
        failed = failing(() => (status = driver.create(KEY, 'new')), at, code)
        if (failed !== 'linkSync') continue
        assert.is(status, expected, `${code} where it is ${state}`)
        assert.is(driver.load(KEY), state === 'alive' ? 'previous' : 'new')
      }
    }
  }
})

faults('a batch that runs out of descriptors because of its own open files goes on in smaller groups', () => {
  const driver = new StorageDriver({ directory, fsync: true })
  prepare(driver, 'absent')
  const steps = Array.from({ length: 10 }, (_, index) => ({
    opcode: Opcode.SAVE,
    key: `k${index}`,
    text: 'text',
  }))
  driver.apply(steps)
  for (const code of ['EMFILE', 'ENFILE']) {
    for (let at = 0; at < 12; at++) {
      let outcomes: readonly StepOutcome[] = []
      const failed = failing(() => ({ outcomes } = driver.apply(steps)), at, code)
      if (failed !== 'openSync') continue
      const refused = outcomes.filter(({ status }) => status === Status.FAILED)
      assert.is(refused.length, at === 0 ? 1 : 0, `call ${at}`)
    }
  }
})

faults('so does a load, a touch, or any other of its operations that needs a descriptor', () => {
  const driver = new StorageDriver({ directory, fsync: true, layout: 'flat' })
  prepare(driver, 'absent')
  for (const key of ['loaded', 'touched', 'ended', 'deleted']) driver.save(key, 'stored')
  const steps: Step[] = [
    { opcode: Opcode.SAVE, key: 'saved', text: 'text' },
    { opcode: Opcode.LOAD, key: 'loaded' },
    { opcode: Opcode.SAVE, key: 'saved too', text: 'text' },
    { opcode: Opcode.TOUCH, key: 'touched', expiry: Date.now() + 9 * HOUR },
    { opcode: Opcode.CREATE, key: 'created', text: 'text' },
    { opcode: Opcode.DELETE, key: 'deleted' },
  ]
  let opened = 0
  for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
    driver.save('deleted', 'stored')
    driver.delete('created')
    let outcomes: readonly StepOutcome[] = []
    failed = failing(() => ({ outcomes } = driver.apply(steps)), at, 'EMFILE')
    // The first one has nothing to let go of, nor have those that come when all is in place.
    if (failed !== 'openSync' || opened++ === 0 || opened > 5) continue
    for (const [index, { status }] of outcomes.entries())
      assert.is(status, Status.DONE, `call ${at}, slot ${index}`)
  }
  assert.ok(opened > 5)
})

faults('a sync that fails rejects its own slots and no others', () => {
  const driver = new StorageDriver({ directory, fsync: true, layout: 'flat' })
  prepare(driver, 'absent')
  const steps = Array.from({ length: 5 }, (_, index) => ({
    opcode: Opcode.CREATE,
    key: `s${index}`,
    text: 'text',
  }))
  const counts: number[] = []
  for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
    prepare(driver, 'absent')
    let outcomes: readonly StepOutcome[] = []
    failed = failing(() => ({ outcomes } = driver.apply(steps)), at, 'EIO')
    if (failed !== 'fsyncSync') continue
    const refused = outcomes.filter(({ status }) => status === Status.FAILED).length
    counts.push(refused)
    // Of a file whose sync failed nobody knows what the disk holds: it must not be put in place.
    const stored = steps.filter(({ key }) => driver.load(key) === 'text').length
    assert.is(stored, refused === 1 ? 4 : 5)
  }
  assert.equal(counts, [1, 1, 1, 1, 1, 5], 'five files, one directory')
})

faults('in a batch under fsync only what was told to be stored is, and nothing is left', () => {
  const keys = ['a', 'b', 'c', 'd', 'e']
  const driver = new StorageDriver({ directory, fsync: true })
  const open = descriptors()
  for (const code of ['EIO', 'ENOSPC']) {
    for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
      prepare(driver, 'absent')
      let outcomes: readonly StepOutcome[] = []
      const steps = keys.map((key) => ({ opcode: Opcode.SAVE, key, text: 'new' }))
      failed = failing(() => ({ outcomes } = driver.apply(steps)), at, code)
      assert.is(outcomes.length, keys.length)
      for (const [index, key] of keys.entries()) {
        if (outcomes[index]?.status !== Status.FAILED)
          assert.is(driver.load(key), 'new', `${failed}, call ${at}`)
      }
      const left = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      if (failed !== 'unlinkSync')
        assert.equal(
          left.filter((name) => name.endsWith('.tmp')),
          [],
          `${failed}, call ${at}`,
        )
      assert.is(descriptors(), open, `${failed}, call ${at}`)
    }
  }
})

faults('a walk goes on past what cannot be examined; only a sweep may leave something out', () => {
  const driver = new StorageDriver({ directory, orphanGrace: 0, layout: 'flat' })
  for (const kind of ['sweep', 'count', 'keys', 'clear'] as const) {
    for (let at = 0, failed: string | undefined = ''; failed !== undefined; at++) {
      prepare(driver, 'expired')
      driver.save('alive', 'x')
      let told: ReturnType<Driver['walk']> | undefined
      failed = failing(
        () => {
          try {
            told = driver.walk(kind)
          } catch (error) {
            assert.match(String(error), /EIO/)
          }
        },
        at,
        'EIO',
      )
      const story = `${kind}, ${failed}, call ${at}`
      if (kind !== 'clear') assert.is(driver.load('alive'), 'x', story)
      if (kind === 'count' && told !== undefined) assert.is(told.live, 1, story)
      if (kind === 'keys' && told !== undefined) assert.equal(told.keys, ['alive'], story)
      if (kind === 'clear' && told !== undefined) assert.is(driver.load('alive'), undefined, story)
      if (failed === undefined) assert.ok(told !== undefined)
    }
  }
})

faults('a directory that cannot be looked at is an error that says so', () => {
  const parent = temporaryDirectory('memory')
  assert.throws(
    () => failing(() => new StorageDriver({ directory: `${parent}/sessions` }), 0, 'EACCES'),
    /EACCES/,
  )
  assert.throws(
    () => failing(() => new StorageDriver({ directory: `${parent}/sessions` }), 1, 'EROFS'),
    /EROFS/,
  )
  assert.throws(
    () => failing(() => new StorageDriver({ directory: `${parent}/sessions` }), 1, 'EEXIST'),
    /ENOTDIR: the session directory is a link/,
  )
})

faults.run()
