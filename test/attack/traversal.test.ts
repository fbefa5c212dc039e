import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { files, json, SessionEngine, StorageError } from 'coatcheck'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'

const asRoot = skipUnless(process.getuid?.() === 0 && process.platform === 'linux', 'needs root on Linux')

/**
 * Keys as a cookie may bring them: paths, names of our own files, and of what every object has. What a file system may
 * mistake for something else is among the odd keys of the conformance suite.
 */
const KEYS: readonly string[] = [
  '../../x',
  '/etc/passwd',
  '..\\..\\x',
  '%2e%2e%2f',
  '\u2025/\u2024',
  '../'.repeat(85),
  '.journal/000000000001.log',
  'owner-1-0123456789abcdef.sock',
  '.0123456789abcdef01234567-0.tmp',
  '.victim.claim',
  '.victim.taken-0123456789abcdef01234567-0',
  '.victim.corrupt-0123456789abcdef01234567-0',
  `~${'0'.repeat(64)}`,
  'victim_out_abc',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
]

/** Everything below a directory, with its mode. */
function tree(
  directory: string,
): { readonly path: string; readonly mode: number; readonly isFile: boolean }[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((path) => {
    const stats = lstatSync(`${directory}/${path}`)
    return { path, mode: stats.mode & 0o7777, isFile: !stats.isDirectory() }
  })
}

for (const durability of ['direct', 'journal'] as const) {
  test(`${durability}: whatever the key, its session is one file in our directory, for this user alone`, async () => {
    const parent = temporaryDirectory()
    const former = process.umask(0)
    const engine = new SessionEngine({
      storage: files({ directory: `${parent}/s`, durability, prefix: 'id' }),
      threads: 1,
    })
    try {
      await engine.save('victim', { victim: true })
      for (const key of KEYS) assert.is(await engine.load(key), undefined)
      await Promise.all(KEYS.map((key, index) => engine.save(key, { index })))
      await engine.flush({ files: true })
      for (const [index, key] of KEYS.entries()) assert.equal(await engine.load(key), { index })
      assert.equal(await engine.load('victim'), { victim: true })
      const keys: string[] = []
      for await (const key of engine.keys()) keys.push(key)
      assert.equal(keys.sort(), ['victim', ...KEYS].sort())

      assert.equal(readdirSync(parent), ['s'])
      const sessions = tree(`${parent}/s`).filter(
        ({ isFile, path }) => isFile && !path.startsWith('.journal'),
      )
      assert.is(sessions.length, KEYS.length + 1)
      for (const { path } of sessions) assert.match(path, /^[0-9a-f]{2}\/id(?:~[0-9a-f]{64}|[a-z0-9_+=-]+)$/)
      for (const { path, mode, isFile } of tree(`${parent}/s`)) {
        // Who may not enter its directory cannot reach a socket, whose mode is the system's.
        if (!path.endsWith('.sock')) assert.is(mode, isFile ? 0o600 : 0o700, path)
      }
      await Promise.all(KEYS.map((key) => engine.delete(key)))
      for (const key of KEYS) assert.is(await engine.exists(key), false)
      assert.equal(await engine.load('victim'), { victim: true })
      await engine.flush({ files: true })
      for (const { path, mode } of tree(`${parent}/s`)) {
        if (!path.endsWith('.sock')) assert.is(mode & 0o077, 0, path)
      }
    } finally {
      process.umask(former)
      await engine.close()
    }
  })
}

test('where everybody may write, a journal is refused, whatever the sticky bit keeps others from', async () => {
  const directory = temporaryDirectory()
  chmodSync(directory, 0o1777)
  const engine = new SessionEngine({ storage: files({ directory, durability: 'journal' }), threads: 1 })
  assert.is((await rejection(engine.load('key'), StorageError)).errno, 'EPERM')
  await engine.close()
  assert.equal(readdirSync(directory), [])
})

asRoot(
  test,
  'a file of another user in a session\u2019s place is told, and a save takes its place',
  async () => {
    const NOBODY = 65_534
    const directory = temporaryDirectory()
    chmodSync(directory, 0o755)
    const engine = new SessionEngine({
      storage: files({ directory: `${directory}/s`, layout: 'flat' }),
      codec: json(),
      threads: 1,
    })
    await engine.save('own', { mine: true })
    await engine.save('foreign', { mine: false })
    await engine.close()
    chownSync(`${directory}/s`, NOBODY, NOBODY)
    chownSync(`${directory}/s/own`, NOBODY, NOBODY)
    mkdirSync(`${directory}/home`)
    writeFileSync(`${directory}/home/program.mjs`, PROGRAM)
    const output = execFileSync(process.execPath, [`${directory}/home/program.mjs`], {
      env: {
        ...process.env,
        DIRECTORY: `${directory}/s`,
        ENTRY: import.meta.resolve('coatcheck'),
        USER_ID: String(NOBODY),
      },
    })
    assert.equal(JSON.parse(output.toString()), {
      own: { mine: true },
      foreign: 'EACCES',
      saved: { mine: true },
    })
    assert.is(lstatSync(`${directory}/s/foreign`).uid, NOBODY)
  },
)

const PROGRAM = `
const { SessionEngine, files, json } = await import(process.env.ENTRY)
const storage = files({ directory: process.env.DIRECTORY, layout: 'flat' })
const engine = new SessionEngine({ storage, codec: json(), threads: 1 })
await engine.ready()
// All its modules are read by now: where they lie may be closed to others. It counts for all threads.
process.setgroups([])
process.setgid(Number(process.env.USER_ID))
process.setuid(Number(process.env.USER_ID))
const own = await engine.load('own')
const foreign = await engine.load('foreign').catch((error) => error.errno)
await engine.save('foreign', { mine: true })
const saved = await engine.load('foreign')
await engine.close()
process.stdout.write(JSON.stringify({ own, foreign, saved }))
`

test.run()
