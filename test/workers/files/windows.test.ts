import './windows-layer.js'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { plainPath } from '#dist/src/storage/plain-path.js'
import { createUnlink } from '#dist/workers/files/unlink.js'
import { Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { filesBelow, HOUR, StorageDriver } from './storage-driver.js'
import { windows } from './windows-layer.js'

const onWindows = suite('on Windows')

const AWKWARD = [
  'con',
  'CON',
  'Nul',
  'com1.txt',
  'a.',
  'a ',
  'A',
  'a',
  'x:y',
  'q?*',
  '..\\up',
  'k'.repeat(256),
]

onWindows.before.each(() => {
  Object.assign(windows, { held: 0, hardLinks: true, refused: 0 })
  windows.badNames.clear()
})

for (const hardLinks of [true, false]) {
  for (const held of [0, 3]) {
    const title = `${hardLinks ? 'with' : 'without'} hard links, files held for ${held} calls`
    onWindows(`every operation does what it does elsewhere, ${title}`, () => {
      Object.assign(windows, { held, hardLinks })
      const driver = new StorageDriver({ directory: temporaryDirectory('memory'), fsync: true })
      for (const key of AWKWARD) {
        assert.is(driver.create(key, `${key}: 1`), Status.DONE)
        assert.is(driver.create(key, 'another'), Status.CONFLICT)
        assert.is(driver.update(key, `${key}: 2`), Status.DONE)
        assert.is(driver.replace(key, `${key}: 3`, `${key}: 2`), Status.DONE)
        assert.is(driver.save(key, `${key}: 4`), Status.DONE)
        assert.is(driver.touch(key, Date.now() + 2 * HOUR), Status.DONE)
        assert.is(driver.touch(key, Date.now() + HOUR), Status.DONE)
      }
      for (const key of AWKWARD) assert.is(driver.load(key), `${key}: 4`)
      assert.is(driver.walk('count').live, AWKWARD.length)
      assert.equal(driver.walk('keys').keys.sort(), [...AWKWARD].sort())
      for (const key of AWKWARD) {
        assert.is(driver.delete(key), Status.DONE)
        assert.is(driver.delete(key), Status.DONE)
        assert.is(driver.update(key, 'late'), Status.ABSENT)
        assert.is(driver.touch(key, Date.now() + HOUR), Status.ABSENT)
        assert.is(driver.load(key), undefined)
        // Over the tombstones.
        assert.is(key.length % 2 === 0 ? driver.create(key, 'anew') : driver.save(key, 'anew'), Status.DONE)
        assert.is(driver.load(key), 'anew')
        assert.is(driver.touch(key, Date.now() - 1), Status.DONE)
        assert.is(driver.exists(key), false)
      }
      void driver.storage.close()
      assert.equal(filesBelow(driver.options.directory), [])
      assert.equal([...windows.badNames], [])
      assert.equal(driver.notices, [])
      assert.is(windows.refused > 0, held > 0)
    })
  }
}

onWindows('no two keys meet in one file, and no name is one that Windows refuses', () => {
  const character = fc.constantFrom(...'aAbBcC.: \\/*?"<>|~nNoOuUlLmM1')
  const key = fc.string({ minLength: 1, maxLength: 6, unit: character })
  const driver = new StorageDriver({ directory: temporaryDirectory('memory') })
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 2, maxLength: 8 }), (keys) => {
      for (const one of keys) driver.save(one, `of ${one}`)
      for (const one of keys) assert.is(driver.load(one), `of ${one}`)
      assert.equal([...windows.badNames], [])
    }),
    { numRuns: 150 },
  )
})

onWindows('a file that stays held is an error, and a directory one at once', () => {
  const waits: number[] = []
  const system = (isDirectory: boolean) => ({
    platform: 'win32' as const,
    isDirectory: () => isDirectory,
    wait: (milliseconds: number) => waits.push(milliseconds),
    unlink: () => {
      throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
    },
  })
  assert.throws(() => createUnlink(system(true))('a'), /EISDIR/)
  assert.equal(waits, [])
  assert.throws(() => createUnlink(system(false))('a'), /EBUSY/)
  assert.is(waits.length, 11)
})

onWindows('a namespace in front of a path goes, since no slash separates names behind it', () => {
  for (const [path, plain] of [
    ['\\\\?\\C:\\sessions', 'C:\\sessions'],
    ['\\\\?\\UNC\\server\\share\\s', '\\\\server\\share\\s'],
    ['C:\\sessions', 'C:\\sessions'],
    ['\\\\server\\share', '\\\\server\\share'],
    ['\\\\?\\Volume{1}\\s', '\\\\?\\Volume{1}\\s'],
  ] as const) {
    assert.is(plainPath(path, 'win32'), plain)
    assert.is(plainPath(path, 'linux'), path)
  }
})

onWindows('flags that are not everywhere are no bits where they are not', () => {
  const root = fileURLToPath(new URL('../../../../dist', import.meta.url))
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  )
  const uses = sources.flatMap((name) => [
    ...readFileSync(join(root, name), 'utf8').matchAll(
      /(\| )?constants\.(?:O_(?!RDONLY|WRONLY|RDWR|CREAT|EXCL|TRUNC|APPEND)[A-Z]+)\b( \?\? 0)?/g,
    ),
  ])
  assert.ok(uses.length > 0)
  // To an `|`, `undefined` is zero.
  for (const [text, or, fallback] of uses) assert.is(or ?? fallback, or === undefined ? ' ?? 0' : '| ', text)
})

onWindows.run()
