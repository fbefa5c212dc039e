import {
  closeSync,
  existsSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  lstatSync as statOf,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { composeExpiry, EXPIRY_OFFSET } from '#dist/workers/record/record.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { interleave } from './cut-points.js'
import type { StorageDriver as Driver } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { HOUR, StorageDriver } = await import('./storage-driver.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const interruptions = suite('an operation of one process in the middle of one of another')

const KEY = 'k'
const directory = temporaryDirectory('memory')
const [one, other] = [1, 2].map(() => new StorageDriver({ layout: 'flat', directory })) as [Driver, Driver]

function empty(path: string): void {
  for (const name of readdirSync(path)) rmSync(`${path}/${name}`, { recursive: true })
}

interruptions('a session that expires while it is touched was touched in time, or is gone', () => {
  const { now } = Date
  for (const intruder of ['sweep', 'create'] as const) {
    for (const life of [50, 2 * HOUR]) {
      let missed = 0
      for (let at = 0, calls = 1; at < calls; at++) {
        empty(directory)
        // Shorter than a claim's life, so that nobody takes one for left behind.
        other.save(KEY, 'old', now() + 100)
        let created: number | undefined
        const run = (): void => {
          Date.now = () => now() + 150
          if (intruder === 'sweep') other.walk('sweep')
          else created = other.create(KEY, 'new')
        }
        const expiry = now() + life + 200
        let touched: number | undefined
        let stored: string | undefined
        try {
          calls = Math.max(
            calls,
            interleave(() => {
              touched = one.touch(KEY, expiry)
            }, [{ at, run }]),
          )
          const found = other.one({ opcode: Opcode.LOAD, key: KEY })
          stored = found.text
          const isTouched = Math.round(found.expiry ?? 0) === expiry
          assert.is(touched, isTouched ? Status.DONE : Status.ABSENT, `${intruder} at ${at}`)
        } finally {
          Date.now = now
        }
        if (touched === Status.ABSENT) missed++
        const isOld = touched === Status.DONE && created !== Status.DONE
        assert.is(stored, isOld ? 'old' : created === undefined ? undefined : 'new', `${intruder} at ${at}`)
      }
      if (intruder === 'sweep') assert.ok(missed > 0)
    }
  }
})

interruptions('two touches that shorten a life leave a time that the next one can trust', () => {
  const { file } = one.place(KEY)
  const start = Date.now()
  const expiryIn = (minutes: number): number => start + minutes * 60_000
  /** The second half of a touch that has looked before. */
  const finish = (expiry: number): void => {
    const descriptor = openSync(file, 'r+')
    writeSync(descriptor, composeExpiry(expiry), 0, 8, EXPIRY_OFFSET)
    futimesSync(descriptor, expiry / 1000, expiry / 1000)
    closeSync(descriptor)
  }
  for (const [first, second] of [
    [20, 30],
    [30, 20],
  ] as const) {
    for (let at = 0, calls = 1; at < calls; at++) {
      empty(directory)
      other.save(KEY, 'text', expiryIn(60))
      const run = (): void => finish(expiryIn(second))
      calls = interleave(() => one.touch(KEY, expiryIn(first)), [{ at, run }])
      one.touch(KEY, expiryIn(25))
      const { expiry } = one.one({ opcode: Opcode.LOAD, key: KEY })
      assert.is(Math.round(expiry ?? 0), expiryIn(25), `${first} and ${second} minutes, at ${at}`)
    }
  }
})

interruptions('what a load takes for corrupt goes aside, never what has come in its place', () => {
  // On the disk: ext4 gives a new file the inode's number of the one that has just gone.
  const onDisk = temporaryDirectory('disk')
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
      const saved = writer.save(KEY, 'first') === Status.DONE
      const deleted = writer.delete(KEY) === Status.DONE
      return saved && !deleted ? 'first' : undefined
    },
  }
  for (const [obstacle, put] of Object.entries(obstacles)) {
    for (const [what, intrude] of Object.entries(intruders)) {
      for (let at = 0, calls = 12; at < calls; at++) {
        empty(onDisk)
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

interruptions('a replace does not bring back what was deleted by one who could not have the claim', () => {
  const { file } = one.place(KEY)
  const told = new Set<number | undefined>()
  for (let at = 0, calls = 1; at < calls; at++) {
    empty(directory)
    one.save(KEY, 'old')
    let deleted = false
    const run = (): void => {
      rmSync(file)
      mkdirSync(file, 0o1700)
      deleted = true
    }
    let status: number | undefined
    calls = Math.max(
      calls,
      interleave(() => {
        status = one.replace(KEY, 'new', 'old')
      }, [{ at, run }]),
    )
    assert.equal(readdirSync(directory), [KEY], `at ${at}`)
    assert.is(other.load(KEY), deleted ? undefined : 'new', `at ${at}`)
    if (deleted) told.add(status)
  }
  assert.equal([...told].sort(), [Status.DONE, Status.ABSENT])
})

interruptions('a session that was taken to be looked at and put back is found', () => {
  empty(directory)
  one.save(KEY, 'initial')
  const { file } = one.place(KEY)
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
          if (look === 'load') told = one.load(KEY) !== undefined
          else if (look === 'exists') told = one.exists(KEY)
          else if (look === 'touch') told = one.touch(KEY, Date.now() + 2 * HOUR) !== Status.ABSENT
          else told = one.update(KEY, 'new') !== Status.ABSENT
        },
        [away, back].map(({ at, run }) => ({ at, run: () => void run() })),
      )
      if (existsSync(`${directory}/.away`)) renameSync(`${directory}/.away`, file)
      assert.is(told, true, `${look}, away for call ${at}`)
    }
  }
})

interruptions.run()
