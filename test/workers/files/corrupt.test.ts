import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { StorageDriver } from './storage-driver.js'

const corrupt = suite('what stands in a session’s place and is none')

const KEY = 'k'
const OUTSIDE = 'nobody may touch this'

/** Loads what was put there: nothing is found, it is told, and kept aside under the name that is told. */
function assertSetAside(driver: StorageDriver, reason: RegExp): string {
  const place = driver.place(KEY)
  const { status, failure, corrupt } = driver.one({ opcode: Opcode.LOAD, key: KEY })
  assert.is(failure, undefined)
  assert.is(status, Status.ABSENT)
  assert.is(corrupt.length, 1)
  assert.match(corrupt[0]?.reason ?? '', reason)
  const end = (corrupt[0]?.keptAs ?? 'not told').replace('*', '')
  const kept = readdirSync(place.directory).filter((name) => name.endsWith(end))
  assert.is(kept.length, 1, `kept aside: ${readdirSync(place.directory)}`)
  assert.not.ok(existsSync(place.file))
  assert.is(driver.save(KEY, 'new'), Status.DONE)
  assert.is(driver.load(KEY), 'new')
  return `${place.directory}/${kept[0]}`
}

function stored(prefix = ''): { driver: StorageDriver; file: string; bytes: Buffer } {
  const driver = new StorageDriver({ layout: 'flat', prefix })
  driver.save(KEY, 'the text of a session')
  const { file } = driver.place(KEY)
  return { driver, file, bytes: readFileSync(file) }
}

const damages: Record<string, [damage: (bytes: Buffer) => Buffer, reason: RegExp]> = {
  'cut short in the payload': [(bytes) => bytes.subarray(0, -1), /not as long/],
  'cut short in the header': [(bytes) => bytes.subarray(0, 39), /shorter than/],
  'one byte': [(bytes) => bytes.subarray(0, 1), /shorter than/],
  'longer than it says': [(bytes) => Buffer.concat([bytes, Buffer.from('x')]), /not as long/],
  foreign: [
    () => Buffer.from('#!/bin/sh\necho this is no session at all, but a shell script\n'),
    /no session record/,
  ],
  zeros: [(bytes) => Buffer.alloc(bytes.length), /no session record/],
  'of a later format': [
    (bytes) => Buffer.concat([bytes.subarray(0, 16), Buffer.from([2]), bytes.subarray(17)]),
    /format 2/,
  ],
}

for (const [what, [damage, reason]] of Object.entries(damages)) {
  for (const when of ['future', 'past'] as const) {
    corrupt(`a file ${what}, its time in the ${when}`, () => {
      const { driver, file, bytes } = stored()
      writeFileSync(file, damage(bytes))
      const seconds = Date.now() / 1000 + (when === 'future' ? 3600 : -3600)
      utimesSync(file, seconds, seconds)
      const kept = assertSetAside(driver, reason)
      assert.ok(readFileSync(kept).equals(damage(bytes)), 'the evidence is what it was')
    })
  }
}

corrupt('a file with any bit turned over', () => {
  const { driver, file, bytes } = stored()
  fc.assert(
    fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
      const damaged = Buffer.from(bytes)
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      writeFileSync(file, damaged)
      assertSetAside(driver, /./)
    }),
    { numRuns: 60 },
  )
})

corrupt('a sparse file of a terabyte is not read', () => {
  const { driver, file } = stored()
  truncateSync(file, 2 ** 40)
  const before = process.memoryUsage().arrayBuffers
  assertSetAside(driver, /larger than any record/)
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
})

corrupt('an empty file is no damage: it is an update that was undone', () => {
  const { driver, file } = stored()
  truncateSync(file, 0)
  const { status, corrupt } = driver.one({ opcode: Opcode.LOAD, key: KEY })
  assert.is(status, Status.ABSENT)
  assert.equal(corrupt, [])
  assert.is(driver.create(KEY, 'x'), Status.DONE)
})

corrupt('a file that grows while the largest record is read is read again whole', () => {
  const driver = new StorageDriver({ maxRecordBytes: 300_000 })
  for (const size of [10, 20_000, 16 * 1024 - 40, 299_999, 300_000, 1]) {
    driver.save(KEY, 'x'.repeat(size))
    assert.is(driver.load(KEY)?.length, size)
  }
})

/** Things that are no files, each made at a path; returns what it looks like from outside afterwards. */
const aliens: Record<string, (path: string) => Promise<() => void> | (() => void)> = {
  'a directory': (path) => {
    mkdirSync(path)
    writeFileSync(`${path}/inside`, OUTSIDE)
    return () => undefined
  },
  'a FIFO': (path) => {
    assert.is(spawnSync('mkfifo', [path]).status, 0)
    return () => undefined
  },
  'a link to a file outside': (path) => {
    const target = `${temporaryDirectory()}/outside`
    writeFileSync(target, OUTSIDE)
    utimesSync(target, 1e9, 1e9)
    symlinkSync(target, path)
    return () => {
      assert.is(readFileSync(target, 'utf8'), OUTSIDE)
      assert.is(lstatSync(target).mtimeMs, 1e12)
    }
  },
  'a link to nothing': (path) => {
    symlinkSync('/nowhere/at/all', path)
    return () => assert.not.ok(existsSync('/nowhere'))
  },
  'a link to itself': (path) => {
    symlinkSync(path, path)
    return () => undefined
  },
  'a socket': async (path) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    return () => void server.close()
  },
}

for (const [what, make] of Object.entries(aliens)) {
  corrupt(`${what}: a load sets it aside`, async () => {
    const driver = new StorageDriver({ layout: 'flat' })
    const check = await make(driver.place(KEY).file)
    const kept = assertSetAside(driver, /link|no regular file|socket/)
    assert.not.ok(lstatSync(kept).isFile())
    if (what.startsWith('a link')) assert.type(readlinkSync(kept), 'string')
    check()
  })

  corrupt(`${what}: every other operation`, async () => {
    for (const opcode of [
      Opcode.CREATE,
      Opcode.SAVE,
      Opcode.UPDATE,
      Opcode.TOUCH,
      Opcode.EXISTS,
      Opcode.DELETE,
    ]) {
      const driver = new StorageDriver({ layout: 'flat' })
      const place = driver.place(KEY)
      const check = await make(place.file)
      const carries = opcode === Opcode.CREATE || opcode === Opcode.SAVE || opcode === Opcode.UPDATE
      const { status, failure } = driver.one(carries ? { opcode, key: KEY, text: 'x' } : { opcode, key: KEY })
      assert.is(failure, undefined)
      const changes = opcode === Opcode.CREATE || opcode === Opcode.SAVE || opcode === Opcode.DELETE
      assert.is(status, changes ? Status.DONE : Status.ABSENT, `opcode ${opcode}`)
      if (opcode === Opcode.CREATE || opcode === Opcode.SAVE) assert.is(driver.load(KEY), 'x')
      if (opcode === Opcode.DELETE) assert.is(lstatSync(place.file, { throwIfNoEntry: false }), undefined)
      assert.not.ok(readdirSync(place.directory).some((name) => /\.(?:tmp|claim)$|taken/.test(name)))
      check()
    }
  })

  corrupt(`${what}: walks pass it by`, async () => {
    const driver = new StorageDriver({ layout: 'flat', orphanGrace: 0 })
    driver.save('other', 'x')
    driver.save('expired', 'x', 1000)
    const check = await make(driver.place(KEY).file)
    assert.equal(driver.walk('keys').keys, ['other'])
    assert.is(driver.walk('count').live, 1)
    const sweep = driver.walk('sweep')
    assert.is(sweep.expired, 1)
    assert.is(sweep.corrupt.length, 1)
    assert.is(driver.walk('clear').live, 1)
    assert.ok(lstatSync(driver.place(KEY).file))
    check()
  })
}

corrupt('what the codec refused is set aside by its write id, a newer version never', () => {
  const driver = new StorageDriver()
  driver.save(KEY, 'refused')
  const { writeId } = driver.one({ opcode: Opcode.LOAD, key: KEY })
  assert.ok(writeId !== undefined)
  driver.save(KEY, 'newer')
  const missed = driver.one({ opcode: Opcode.SET_ASIDE, key: KEY, writeId })
  assert.equal(
    missed.corrupt.map(({ keptAs }) => keptAs),
    [undefined],
  )
  assert.is(driver.load(KEY), 'newer')
  const newer = driver.one({ opcode: Opcode.LOAD, key: KEY }).writeId
  assert.ok(newer !== undefined)
  const hit = driver.one({ opcode: Opcode.SET_ASIDE, key: KEY, writeId: newer })
  assert.ok(hit.corrupt[0]?.keptAs !== undefined)
  assert.is(driver.load(KEY), undefined)
  assert.is(driver.one({ opcode: Opcode.SET_ASIDE, key: KEY, writeId: newer }).corrupt.length, 1)
})

corrupt('the longest names can be set aside, too', () => {
  const prefix = 'p'.repeat(64)
  for (const length of [40, 147, 148, 149, 256]) {
    const driver = new StorageDriver({ layout: 'flat', prefix })
    const key = 'k'.repeat(length)
    driver.save(key, 'x')
    writeFileSync(driver.place(key).file, 'damaged')
    const { status, failure, corrupt } = driver.one({ opcode: Opcode.LOAD, key })
    assert.equal([status, failure], [Status.ABSENT, undefined])
    assert.ok(corrupt[0]?.keptAs !== undefined)
  }
})

corrupt('a notice names no key', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const key = 'secret-session-key'
  writeFileSync(driver.place(key).file, 'damaged')
  const { corrupt } = driver.one({ opcode: Opcode.LOAD, key })
  assert.not.match(JSON.stringify(corrupt), /secret|session-key/)
})

corrupt('a session under another key’s digest is not that key’s', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const long = 'a'.repeat(200)
  const other = 'b'.repeat(200)
  driver.save(long, 'of a')
  writeFileSync(driver.place(other).file, readFileSync(driver.place(long).file))
  utimesSync(driver.place(other).file, 4e9, 4e9)
  assert.is(driver.load(other), undefined)
  assert.is(driver.load(long), 'of a')
  assert.is(new Set(driver.walk('keys').keys).size, 1)
})

corrupt('where a directory of the sharded layout is a file, its keys fail and the others do not', () => {
  const driver = new StorageDriver()
  const broken = driver.place(KEY).directory
  writeFileSync(broken, '')
  for (const opcode of [Opcode.SAVE, Opcode.LOAD, Opcode.EXISTS, Opcode.TOUCH, Opcode.DELETE]) {
    const step = { opcode, key: KEY }
    const { status, failure } = driver.one(opcode === Opcode.SAVE ? { ...step, text: 'x' } : step)
    assert.equal([status, failure?.code], [Status.FAILED, 'ENOTDIR'], `opcode ${opcode}`)
  }
  const others = ['a', 'b', 'c', 'd', 'e', 'f'].filter((key) => driver.place(key).directory !== broken)
  for (const key of others) assert.is(driver.save(key, key), Status.DONE)
  const expired = others[0] ?? ''
  driver.save(expired, 'x', 1000)
  const walk = driver.storage.walk('sweep')
  let swept = 0
  assert.throws(() => {
    for (;;) {
      const slice = walk.next() as { done: boolean; expired: number }
      swept += slice.expired
      if (slice.done) return
    }
  }, /ENOTDIR/)
  assert.is(swept, 1, 'the others were swept')
  rmSync(broken)
  assert.is(driver.walk('count').live, others.length - 1)
})

corrupt.run()
