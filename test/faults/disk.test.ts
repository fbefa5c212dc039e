import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { litterIn } from '../fixtures/litter.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import { mountMissing } from './missing.js'
import { SmallDisk } from './small-disk.js'

const disk = suite('a disk that fails')

const KEY = 'k'
const LARGE = 'x'.repeat(200_000)
const writers = [
  ['update', Opcode.UPDATE],
  ['save', Opcode.SAVE],
] as const

function assertLeftAlone(driver: StorageDriver): void {
  assert.is(driver.load(KEY), 'previous')
  assert.equal(litterIn(filesBelow(driver.options.directory)), [])
}

for (const [name, opcode] of writers) {
  for (const fsync of [false, true]) {
    const title = `full: a ${name} is refused and the previous version stays${fsync ? ', with fsync' : ''}`
    skipWhere(mountMissing())(disk, title, () => {
      using small = new SmallDisk('size=1m')
      const driver = new StorageDriver({ directory: small.directory, layout: 'flat', fsync })
      driver.save(KEY, 'previous')
      // Room for a part of it: the kernel writes that, then says how much it was.
      small.fill(60_000)
      const { status, failure } = driver.one({ opcode, key: KEY, text: LARGE })
      assert.equal([status, failure?.code, failure?.syscall], [Status.FAILED, 'ENOSPC', 'write'])
      assertLeftAlone(driver)
      small.empty()
      assert.is(driver.one({ opcode, key: KEY, text: LARGE }).status, Status.DONE)
      assert.is(driver.load(KEY), LARGE)
    })
  }
}

skipWhere(mountMissing())(disk, 'full: a create leaves nothing, and one slot fails alone', () => {
  using small = new SmallDisk('size=1m')
  const driver = new StorageDriver({ directory: small.directory, layout: 'flat' })
  driver.save(KEY, 'previous')
  small.fill(60_000)
  const { outcomes } = driver.apply([
    { opcode: Opcode.CREATE, key: 'large', text: LARGE },
    { opcode: Opcode.CREATE, key: 'small', text: 'x' },
    { opcode: Opcode.UPDATE, key: KEY, text: LARGE },
  ])
  assert.equal(
    outcomes.map(({ status }) => status),
    [Status.FAILED, Status.DONE, Status.FAILED],
  )
  assert.is(driver.load('large'), undefined)
  assert.is(driver.load('small'), 'x')
  assertLeftAlone(driver)
  small.empty()
  assert.is(driver.create('large', LARGE), Status.DONE)
})

skipWhere(mountMissing())(disk, 'out of inodes: saves and new directories fail, loads go on', () => {
  using small = new SmallDisk('size=8m,nr_inodes=8')
  const driver = new StorageDriver({ directory: small.directory, layout: 'flat' })
  driver.save(KEY, 'previous')
  for (let index = 0; index < 20; index++) driver.save(`more${index}`, 'x')
  const { status, failure } = driver.one({ opcode: Opcode.UPDATE, key: KEY, text: 'new' })
  assert.equal([status, failure?.code], [Status.FAILED, 'ENOSPC'])
  assertLeftAlone(driver)
})

skipWhere(mountMissing())(
  disk,
  'read-only: nothing is stored, everything can be read, damage is told',
  () => {
    using small = new SmallDisk('size=4m')
    const driver = new StorageDriver({ directory: small.directory, layout: 'flat' })
    driver.save(KEY, 'previous')
    writeFileSync(driver.place('damaged').file, 'damaged')
    small.remount('ro')
    for (const opcode of [Opcode.CREATE, Opcode.UPDATE, Opcode.SAVE, Opcode.TOUCH, Opcode.DELETE]) {
      const step = { opcode, key: KEY, expiry: Date.now() + 10 * 3_600_000 }
      const carries = opcode !== Opcode.TOUCH && opcode !== Opcode.DELETE
      const { status, failure } = driver.one(carries ? { ...step, text: 'new' } : step)
      assert.equal([status, failure?.code], [Status.FAILED, 'EROFS'], `opcode ${opcode}`)
    }
    assert.is(driver.load(KEY), 'previous')
    const { status, failure, corrupt } = driver.one({ opcode: Opcode.LOAD, key: 'damaged' })
    assert.equal([status, failure, corrupt.length], [Status.ABSENT, undefined, 1])
    assert.is(driver.walk('sweep').expired, 0)
    assert.throws(
      () => new StorageDriver({ directory: small.directory }),
      /EROFS: the session directory is on a read-only file system/,
    )
    small.remount('rw')
    assert.is(driver.update(KEY, 'new'), Status.DONE)
  },
)

const immutable = (path: string, flag: '+i' | '-i') => spawnSync('chattr', [flag, path]).status === 0

function immutableMissing(): string | undefined {
  const file = `${temporaryDirectory()}/probe`
  writeFileSync(file, '')
  const usable = immutable(file, '+i')
  immutable(file, '-i')
  return usable ? undefined : 'chattr +i needs root and a file system that knows it'
}

skipWhere(immutableMissing())(
  disk,
  'a file that may not be replaced stays, and no temporary file with it',
  () => {
    const driver = new StorageDriver({ layout: 'flat' })
    driver.save(KEY, 'previous')
    const { file } = driver.place(KEY)
    assert.ok(immutable(file, '+i'))
    try {
      for (const opcode of [Opcode.UPDATE, Opcode.SAVE, Opcode.DELETE, Opcode.TOUCH]) {
        const step = { opcode, key: KEY, expiry: Date.now() + 10 * 3_600_000 }
        const carries = opcode === Opcode.UPDATE || opcode === Opcode.SAVE
        const { status, failure } = driver.one(carries ? { ...step, text: 'new' } : step)
        assert.equal([status, failure?.code], [Status.FAILED, 'EPERM'], `opcode ${opcode}`)
        assertLeftAlone(driver)
      }
    } finally {
      immutable(file, '-i')
    }
    assert.is(driver.update(KEY, 'new'), Status.DONE)
  },
)

disk('a directory that is no directory, or not safe, or not there, is refused by name', () => {
  const parent = temporaryDirectory()
  writeFileSync(`${parent}/file`, '')
  mkdirSync(`${parent}/open`)
  chmodSync(`${parent}/open`, 0o777)
  const opening = (name: string) => () => new StorageDriver({ directory: `${parent}/${name}` })
  assert.throws(opening('file'), /ENOTDIR: the session directory is not a directory/)
  assert.throws(opening('missing/parent'), /ENOENT: the parent of the session directory does not exist/)
  assert.throws(opening('file/below'), /ENOTDIR: the parent of the session directory is not a directory/)
  assert.throws(opening('open'), /EPERM: everybody may write/)
  chmodSync(`${parent}/open`, 0o1777)
  assert.throws(opening('open'), /EPERM: everybody may write/)
  chmodSync(`${parent}/open`, 0o1770)
  assert.is(opening('open')().save(KEY, 'x'), Status.DONE)
})

disk.run()
