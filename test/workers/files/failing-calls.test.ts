import {
  Dir,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { later } from '../../fixtures/later.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { interleave, killing, refusing } from './cut-points.js'
import type { StorageDriver as Driver } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { filesBelow, HOUR, StorageDriver } = await import('./storage-driver.js')
const { removeIfMeant } = await import('#dist/workers/files/removal.js')
const { TOMBSTONE_LIFE, Tombstones } = await import('#dist/workers/files/tombstones.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')

const calls = suite('calls that fail, and what lies in their way')

const KEY = 'k'

function flat(): { readonly driver: Driver; readonly file: string; readonly directory: string } {
  const driver = new StorageDriver({ layout: 'flat', directory: temporaryDirectory('memory') })
  return { driver, file: driver.place(KEY).file, directory: driver.options.directory }
}

/* What somebody else makes or removes. */

for (const fsync of [false, true]) {
  const what = fsync ? ', with fsync' : ''

  calls(`a record whose temporary file is removed under it is written again${what}`, () => {
    const directory = temporaryDirectory('memory')
    const driver = new StorageDriver({ layout: 'flat', fsync, directory })
    const operations = {
      create: () => driver.create(KEY, 'new'),
      update: () => driver.update(KEY, 'new'),
      save: () => driver.save(KEY, 'new'),
      replace: () => driver.replace(KEY, 'new', 'old'),
    }
    let removed = 0
    for (const [name, operation] of Object.entries(operations)) {
      for (let at = 0, count = 1; at < count; at++) {
        for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
        if (name !== 'create') driver.save(KEY, 'old')
        // As a sweep does when the clock has jumped.
        const run = (): void => {
          for (const left of readdirSync(directory).filter((one) => one.endsWith('.tmp'))) {
            rmSync(`${directory}/${left}`)
            removed++
          }
        }
        let told: number | undefined
        count = Math.max(
          count,
          interleave(() => {
            told = operation()
          }, [{ at, run }]),
        )
        const story = `${name}, removed before call ${at}`
        assert.is(told, Status.DONE, story)
        assert.is(driver.load(KEY), 'new', story)
        assert.equal(readdirSync(directory), [KEY], story)
      }
    }
    assert.ok(removed > 12, `${removed} were removed`)
  })

  calls(`a directory that another process makes first is one to write to${what}`, () => {
    for (let at = 0, count = 1; at < count; at++) {
      const directory = temporaryDirectory('memory')
      const [one, other] = [1, 2].map(() => new StorageDriver({ fsync, directory })) as [Driver, Driver]
      const told: (number | undefined)[] = []
      count = interleave(() => {
        told[0] = one.save(KEY, 'of one')
      }, [{ at, run: () => (told[1] = other.save(KEY, 'of the other')) }])
      assert.equal(told, [Status.DONE, Status.DONE], `made before call ${at}`)
      assert.ok(['of one', 'of the other'].includes(one.load(KEY) ?? ''))
    }
  })
}

calls(
  'a record that is written again, and cannot be synced then, leaves what was there, and nothing else',
  () => {
    const directory = temporaryDirectory('memory')
    const driver = new StorageDriver({ layout: 'flat', fsync: true, directory })
    driver.save(KEY, 'old')
    let synced = 0
    const { status, failure } = refusing(
      () => driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'new' }),
      (name) => {
        // As a sweep does when the clock has jumped.
        if (name === 'renameSync' && synced === 1)
          for (const left of readdirSync(directory).filter((one) => one.endsWith('.tmp')))
            rmSync(`${directory}/${left}`)
        return name === 'fsyncSync' && ++synced === 2 ? 'EIO' : undefined
      },
    )
    assert.equal([status, failure?.code, synced], [Status.FAILED, 'EIO', 2])
    assert.is(driver.load(KEY), 'old')
    assert.equal(readdirSync(directory), [KEY])
  },
)

calls('nothing is written through a link that leads nowhere', () => {
  const parent = temporaryDirectory('memory')
  const driver = new StorageDriver({ directory: `${parent}/sessions` })
  symlinkSync(`${parent}/elsewhere`, driver.place(KEY).directory)
  const { status, failure } = driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'x' })
  assert.equal([status, failure?.code], [Status.FAILED, 'ELOOP'])
  assert.not(existsSync(`${parent}/elsewhere`))
})

calls('a session directory that is gone is made anew, but by nobody who owned the old one', () => {
  for (const layout of ['flat', 'sharded'] as const) {
    for (const exclusive of [false, true]) {
      const directory = `${temporaryDirectory('memory')}/sessions`
      const driver = new StorageDriver({ layout, exclusive, directory })
      rmdirSync(directory)
      const { status, failure } = driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'x' })
      if (exclusive) assert.equal([status, failure?.code], [Status.FAILED, 'ENOENT'])
      else assert.equal([status, driver.load(KEY)], [Status.DONE, 'x'])
      assert.is(existsSync(directory), !exclusive)
      if (!exclusive) assert.is(statSync(directory).mode & 0o777, 0o700)
    }
  }
})

calls('a place that can never be freed is an error of the storage, not a session that exists', () => {
  const { driver, file, directory } = flat()
  // No claim can be made where a directory stands in its place, however old it becomes.
  mkdirSync(driver.place(KEY).claim)
  const obstacles = { expired: () => void driver.save(KEY, 'expired', 1), alien: () => mkdirSync(file) }
  for (const [obstacle, put] of Object.entries(obstacles)) {
    rmSync(file, { recursive: true, force: true })
    put()
    const created = driver.one({ opcode: Opcode.CREATE, key: KEY, text: 'x' })
    assert.equal([created.status, created.failure?.code], [Status.FAILED, 'EBUSY'], obstacle)
    const saved = driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'x' })
    // An expired session is no obstacle to a save.
    if (obstacle === 'expired') assert.is(saved.status, Status.DONE)
    else assert.equal([saved.status, saved.failure?.code], [Status.FAILED, 'EISDIR'])
    assert.not(readdirSync(directory).some((name) => name.endsWith('.tmp')))
  }
})

/* Opening. */

const UNSAFE: Record<string, readonly [make: (directory: string) => void, reason: RegExp]> = {
  'a file': [(directory) => writeFileSync(directory, ''), /^ENOTDIR: the session directory is not/],
  'below a file': [
    (directory) => {
      rmdirSync(directory.slice(0, directory.lastIndexOf('/')))
      writeFileSync(directory.slice(0, directory.lastIndexOf('/')), '')
    },
    /^ENOTDIR: the parent of the session directory is not/,
  ],
  'below nothing': [
    (directory) => rmdirSync(directory.slice(0, directory.lastIndexOf('/'))),
    /^ENOENT: the parent of the session directory does not exist/,
  ],
  'a link to nothing': [
    (directory) => symlinkSync(`${directory}-elsewhere`, directory),
    /^ENOTDIR: the session directory is a link/,
  ],
  'open to everybody': [
    (directory) => makeWithMode(directory, 0o1777),
    /^EPERM: everybody may write to the session directory: chmod/,
  ],
  'with a link in it': [
    (directory) => {
      mkdirSync(directory)
      symlinkSync('.', `${directory}/00`)
    },
    /^ELOOP: a directory within the session directory is a symbolic link/,
  ],
}

function makeWithMode(directory: string, mode: number): void {
  const previous = process.umask(0)
  mkdirSync(directory, mode)
  process.umask(previous)
}

for (const [what, [make, reason]] of Object.entries(UNSAFE)) {
  calls(`a session directory is refused that is ${what}`, () => {
    const parent = `${temporaryDirectory('memory')}/parent`
    mkdirSync(parent)
    make(`${parent}/sessions`)
    assert.throws(() => new StorageDriver({ directory: `${parent}/sessions` }), reason)
  })
}

calls('one that may not be used is refused, and the reason is told', () => {
  for (const [code, reason] of [
    ['EACCES', /^EACCES: the session directory is not writable for this user/],
    ['EROFS', /^EROFS: the session directory is on a read-only file system/],
  ] as const) {
    const directory = temporaryDirectory('memory')
    assert.throws(
      () =>
        refusing(
          () => new StorageDriver({ directory }),
          (name) => (name === 'accessSync' ? code : undefined),
        ),
      reason,
    )
  }
  const directory = `${temporaryDirectory('memory')}/sessions`
  for (const call of ['statSync', 'mkdirSync']) {
    assert.throws(
      () =>
        refusing(
          () => new StorageDriver({ directory }),
          (name) => (name === call ? 'EIO' : undefined),
        ),
      /^EIO: made to fail/,
    )
  }
})

calls('one that another process makes at the same time is looked at like any other', () => {
  for (const mode of [0o700, 0o777]) {
    const directory = `${temporaryDirectory('memory')}/sessions`
    let isMade = false
    const open = (): Driver =>
      refusing(
        () => new StorageDriver({ directory }),
        (name) => {
          // Behind the look, in front of the making.
          if (name === 'mkdirSync' && !isMade) {
            isMade = true
            makeWithMode(directory, mode)
          }
          return undefined
        },
      )
    if (mode === 0o700) open()
    else assert.throws(open, /^EPERM: everybody may write/)
    assert.ok(isMade)
  }
})

calls('a walk whose directory cannot be closed tells of that, and is over', () => {
  const { driver } = flat()
  driver.save(KEY, 'x')
  const { closeSync } = Dir.prototype
  Dir.prototype.closeSync = function close(this: Dir) {
    closeSync.call(this)
    throw Object.assign(new Error('EIO: made to fail, closedir'), { code: 'EIO' })
  }
  try {
    assert.throws(() => driver.walk('count'), /^EIO/)
  } finally {
    Dir.prototype.closeSync = closeSync
  }
  assert.is(driver.walk('count').live, 1)
})

calls('a link is none of ours, by whatever code a system refuses to follow it', () => {
  for (const code of ['ELOOP', 'EMLINK']) {
    const { driver } = flat()
    driver.save(KEY, 'x')
    const count = refusing(
      () => driver.walk('count').live,
      (name) => (name === 'openSync' ? code : undefined),
    )
    assert.is(count, 0, code)
  }
})

/* Putting back. */

/** A session that is renewed while a sweep, say, takes away what had expired; what became of putting it back. */
function renewedWhileTaken(
  driver: Driver,
  codeFor: (name: string, path: unknown) => string | undefined,
  meanwhile = (): void => undefined,
): unknown {
  driver.save(KEY, 'expired', 1000)
  let looks = 0
  const isMeant = (): boolean => {
    looks++
    if (looks === 1) driver.save(KEY, 'renewed', Date.now() + 9 * HOUR)
    else meanwhile()
    return looks === 1
  }
  try {
    return refusing(() => removeIfMeant(driver.place(KEY), isMeant), codeFor)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

calls('without hard links a session that was taken goes back by its name', () => {
  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']) {
    const { driver, directory } = flat()
    const put = renewedWhileTaken(driver, (name) => (name === 'linkSync' ? code : undefined))
    assert.equal([put, driver.load(KEY)], [false, 'renewed'], code)
    assert.equal(readdirSync(directory), [KEY], code)
  }
})

calls('what cannot be put back is told, and whoever looks for it puts it back', () => {
  const { driver, directory } = flat()
  const { held } = driver.place(KEY)
  assert.is(
    renewedWhileTaken(driver, (name, path) =>
      path === held && (name === 'linkSync' || name === 'renameSync') ? 'EIO' : undefined,
    ),
    'EIO',
  )
  assert.not(readdirSync(directory).includes(KEY))
  assert.is(
    later(1000, () => driver.load(KEY)),
    'renewed',
  )
  assert.is(
    later(2 * HOUR, () => driver.walk('sweep').orphans),
    1,
  )
  assert.equal([driver.load(KEY), readdirSync(directory)], ['renewed', [KEY]])
})

calls('without hard links nothing goes back over a tombstone', () => {
  const { driver, file, directory } = flat()
  const put = renewedWhileTaken(
    driver,
    (name) => (name === 'linkSync' ? 'EPERM' : undefined),
    () => mkdirSync(file, 0o1700),
  )
  assert.is(put, 'EISDIR')
  later(1000, () => assert.is(driver.load(KEY), undefined))
  later(2 * HOUR, () => driver.walk('sweep'))
  assert.equal([driver.load(KEY), readdirSync(directory)], [undefined, []])
})

calls('a tombstone that was taken, and finds a session in its place, is not needed any more', () => {
  const { driver, file, directory } = flat()
  mkdirSync(file, 0o1700)
  let looks = 0
  const isMeant = (): boolean => {
    if (++looks === 2) assert.is(driver.save(KEY, 'new'), Status.DONE)
    return looks === 1
  }
  assert.not(removeIfMeant(driver.place(KEY), isMeant))
  assert.equal([driver.load(KEY), readdirSync(directory)], ['new', [KEY]])
})

calls('killed while it takes away what has been renewed, it leaves that to whoever asks next', () => {
  const { driver, directory, file } = flat()
  const looks: Record<string, () => void> = {
    load: () => assert.is(driver.load(KEY), 'renewed'),
    exists: () => assert.ok(driver.exists(KEY)),
    create: () => assert.is(driver.create(KEY, 'new'), Status.CONFLICT),
    delete: () => assert.is(driver.delete(KEY), Status.DONE),
  }
  let cuts = 0
  for (const [name, look] of Object.entries(looks)) {
    for (let at = 0; ; at++) {
      for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`, { recursive: true })
      driver.save(KEY, 'renewed', Date.now() + 9 * HOUR)
      renameSync(file, `${directory}/.renewed`)
      driver.save(KEY, 'expired', 1000)
      let isRenewed = false
      const isMeant = (): boolean => {
        if (isRenewed) return false
        renameSync(`${directory}/.renewed`, file)
        isRenewed = true
        return true
      }
      if (!killing(() => removeIfMeant(driver.place(KEY), isMeant), at)) break
      if (!isRenewed) continue
      cuts++
      later(1000, look)
      later(2 * HOUR, () => driver.walk('sweep'))
      const expected = name === 'delete' ? [undefined, []] : ['renewed', [KEY]]
      assert.equal([driver.load(KEY), readdirSync(directory)], expected, `${name} after call ${at}`)
    }
  }
  assert.ok(cuts > 10, `${cuts} cuts`)
})

/* Tombstones. */

calls('a tombstone that cannot be taken away fails nobody, and is left to the sweep', () => {
  const { driver, file } = flat()
  driver.save(KEY, 'x')
  driver.delete(KEY)
  const stuck = (name: string): string | undefined => (name === 'rmdirSync' ? 'EACCES' : undefined)
  later(2 * TOMBSTONE_LIFE, () => refusing(() => assert.is(driver.save('other', 'x'), Status.DONE), stuck))
  assert.ok(existsSync(file))
  later(2 * TOMBSTONE_LIFE, () => driver.walk('sweep'))
  assert.not(existsSync(file))
})

calls('what a delete has taken out of its place is deleted, though it cannot be unlinked there', () => {
  for (const code of ['EPERM', 'EISDIR', 'EIO']) {
    const { driver, directory } = flat()
    driver.save(KEY, 'x')
    const stuck = (name: string, path: unknown): string | undefined =>
      name === 'unlinkSync' && String(path).endsWith('.tmp') ? code : undefined
    // A touch to the past is a delete that tells whether there was a session.
    assert.is(
      refusing(() => driver.touch(KEY, Date.now() - 1), stuck),
      Status.DONE,
      code,
    )
    assert.is(driver.load(KEY), undefined, code)
    later(2 * HOUR, () => driver.walk('sweep'))
    assert.equal(readdirSync(directory), [], code)
  }
})

calls('the tombstone of another delete is no session that this one has deleted', () => {
  for (const code of [undefined, 'EACCES', 'EIO']) {
    const { driver, file, directory } = flat()
    mkdirSync(file, 0o1700)
    const found = refusing(
      () => new Tombstones().bury(driver.layout, driver.place(KEY)),
      (name) => (name === 'rmdirSync' ? code : undefined),
    )
    assert.is(found, false, code)
    assert.is(driver.update(KEY, 'late'), Status.ABSENT)
    later(2 * HOUR, () => driver.walk('sweep'))
    assert.equal(readdirSync(directory), [], code)
  }
})

calls(
  'what stands in a tombstone and cannot be looked at fails a save, which takes effect when it can',
  () => {
    const { driver, file } = flat()
    mkdirSync(file, 0o1700)
    writeFileSync(`${file}/${KEY}_out_h3k_2x9a`, 'moved in by Django')
    const stuck = (name: string): string | undefined => (name === 'readdirSync' ? 'EIO' : undefined)
    const { status, failure } = refusing(
      () => driver.one({ opcode: Opcode.SAVE, key: KEY, text: 'new' }),
      stuck,
    )
    assert.equal([status, failure?.code], [Status.FAILED, 'EIO'])
    assert.equal(filesBelow(file), [`${KEY}_out_h3k_2x9a`])
    assert.is(driver.save(KEY, 'new'), Status.DONE)
    assert.is(driver.load(KEY), 'new')
  },
)

calls.run()
