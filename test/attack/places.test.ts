import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { files, json, SessionEngine, StorageError, UpdateError } from 'coatcheck'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, sliceOf } from '#dist/workers/protocol/index.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { DEVICE, Outside, PLANTS, type Plant, TEXT } from './plants.js'

/*
 * What stands in a session's place, or in that of a directory, and is none: nothing is read or written through it, and
 * nobody waits for it.
 */

const KEY = 'abcdefghijklmnopqrstuvwxyz012345'
const SESSION = { mine: true }

const asRoot = skipUnless(process.getuid?.() === 0, 'devices are made by root')

function engineIn(directory: string, durability: 'direct' | 'journal'): SessionEngine {
  return new SessionEngine({
    storage: files({ directory, layout: 'flat', durability }),
    codec: json(),
    threads: 1,
    sweepInterval: false,
  })
}

/** Puts each of them into a session's place, again and again, and has an engine do all that it can there. */
async function plantAndUse(durability: 'direct' | 'journal', plants: readonly Plant[]): Promise<void> {
  // Short: sockets are planted there.
  const parent = mkdtempSync(`${tmpdir()}/coatcheck-a-`)
  const directory = `${parent}/s`
  const engine = engineIn(directory, durability)
  try {
    await engine.ready()
    for (const [index, { title, put }] of plants.entries()) {
      const key = `${KEY}${index}`
      const place = `${directory}/${key}`
      const outside = new Outside(`${parent}/o${index}`, key.length, 2, Buffer.from('{"theirs":true}'))
      let beside: readonly string[] = []
      const plant = async (): Promise<void> => {
        await engine.flush({ files: true })
        rmSync(place, { recursive: true, force: true })
        await put(place, outside.path)
        if (beside.length === 0) beside = readdirSync(parent)
      }
      await plant()
      assert.is(await engine.exists(key), false, title)
      assert.is(await engine.touch(key), false, title)
      await rejection(engine.update(key, SESSION), UpdateError)
      assert.is(await engine.load(key), undefined, title)
      await plant()
      await engine.delete(key)
      await plant()
      await engine.save(key, SESSION)
      assert.equal(await engine.load(key), SESSION, title)
      await plant()
      await engine.create(key, SESSION).catch(() => undefined)
      await plant()
      assert.is(await engine.count(), 0, title)
      await engine.clearExpired()
      await engine.clear()
      await engine.save(key, SESSION)
      await engine.flush({ files: true })
      assert.ok(lstatSync(place).isFile(), title)
      assert.is(lstatSync(place).nlink, 1, title)
      await engine.delete(key)
      assert.ok(outside.isUntouched, `something was written through ${title}`)
      assert.equal(readdirSync(parent), beside, `something was made or removed through ${title}`)
    }
  } finally {
    await engine.close()
    rmSync(parent, { recursive: true, force: true })
  }
}

for (const durability of ['direct', 'journal'] as const) {
  test(`${durability}: what is planted in a session's place is no session, and leads nowhere`, () =>
    plantAndUse(durability, PLANTS))

  asRoot(test, `${durability}: nor is a device`, () => plantAndUse(durability, [DEVICE]))

  test(`${durability}: the time of another program's file, to which a session's place is another name, is not moved`, async () => {
    const parent = temporaryDirectory()
    const engine = engineIn(`${parent}/s`, durability)
    await engine.ready()
    const text = `${parent}/text`
    writeFileSync(text, TEXT)
    linkSync(text, `${parent}/s/${KEY}`)
    const future = Math.floor(Date.now() / 1000) + 60
    utimesSync(text, future, future)
    assert.is(await engine.touch(KEY), false)
    await engine.close()
    assert.is(lstatSync(text).mtimeMs, future * 1000)
    assert.is(readFileSync(text, 'utf8'), TEXT)
  })
}

test('a save does not write through another name of a session: the other one stays as it is', async () => {
  const directory = temporaryDirectory()
  const engine = engineIn(`${directory}/s`, 'direct')
  await engine.save('one', { version: 1 })
  linkSync(`${directory}/s/one`, `${directory}/s/two`)
  await engine.save('two', { version: 2 })
  await engine.update('two', { version: 3 })
  assert.equal(await engine.load('one'), { version: 1 })
  await engine.delete('two')
  assert.equal(await engine.load('one'), { version: 1 })
  await engine.close()
})

/** Directories within the session directory, and where links in their places lead. */
const WITHIN: readonly (readonly [name: string, durability: 'direct' | 'journal', target: string])[] = [
  ['00', 'direct', 'elsewhere'],
  ['ff', 'direct', 'missing'],
  ['.journal', 'journal', 'elsewhere'],
  ['.journal', 'journal', 'missing'],
  ['.journal', 'direct', 'elsewhere'],
]

test('a link in the place of a directory of ours is refused, and nothing is made where it leads', async () => {
  for (const [name, durability, target] of WITHIN) {
    const parent = temporaryDirectory()
    mkdirSync(`${parent}/s`)
    mkdirSync(`${parent}/elsewhere`)
    symlinkSync(`${parent}/${target}`, `${parent}/s/${name}`)
    const engine = new SessionEngine({
      storage: files({ directory: `${parent}/s`, durability }),
      threads: 1,
    })
    const error = await rejection(engine.ready(), StorageError)
    assert.is(error.errno, 'ELOOP', name)
    await engine.close()
    assert.equal(readdirSync(`${parent}/elsewhere`), [])
  }
})

test('nor is a link that leads nowhere followed where a shard is to be made', async () => {
  const parent = temporaryDirectory()
  const engine = new SessionEngine({ directory: `${parent}/s`, threads: 1 })
  await engine.ready()
  const shard = sliceOf(keyHash(KEY)).toString(16).padStart(2, '0')
  symlinkSync(`${parent}/missing`, `${parent}/s/${shard}`)
  assert.is((await rejection(engine.save(KEY, SESSION), StorageError)).errno, 'ELOOP')
  assert.is(await engine.load(KEY), undefined)
  await engine.close()
  assert.equal(readdirSync(parent), ['s'])
})

test('a FIFO in the place of the journal, of a segment or of a shard is refused, and not waited for', async () => {
  for (const name of ['.journal', '.journal/000000000001.log', '00']) {
    const parent = `${temporaryDirectory()}/${'long'.repeat(20)}`
    mkdirSync(`${parent}/s`, { recursive: true })
    if (name.includes('/')) mkdirSync(`${parent}/s/.journal`)
    execFileSync('mkfifo', [`${parent}/s/${name}`])
    const engine = new SessionEngine({
      storage: files({ directory: `${parent}/s`, durability: 'journal', fsync: true }),
      threads: 1,
    })
    if (name === '00') {
      // Of the others nothing is amiss.
      for (let key = 0; key < 1000; key++) void engine.save(`${key}`, SESSION).catch(() => undefined)
      await rejection(engine.flush({ files: true }), StorageError)
      await engine.close().catch(() => undefined)
    } else {
      await rejection(engine.ready(), StorageError)
      await engine.close()
    }
  }
})

test('the session directory itself may be a link: its path is the owner\u2019s', async () => {
  const parent = temporaryDirectory()
  mkdirSync(`${parent}/elsewhere`, { mode: 0o700 })
  symlinkSync(`${parent}/elsewhere`, `${parent}/s`)
  const engine = engineIn(`${parent}/s`, 'direct')
  await engine.save(KEY, SESSION)
  await engine.close()
  assert.ok(readFileSync(`${parent}/elsewhere/${KEY}`).length > 0)
})

test.run()
