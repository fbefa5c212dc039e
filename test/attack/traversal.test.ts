import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { files, InvalidSessionKeyError, json, SessionEngine, StorageError } from 'coatcheck'
import { django } from 'coatcheck/django'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'

const asRoot = skipUnless(process.getuid?.() === 0 && process.platform === 'linux', 'needs root on Linux')

/** Keys as a cookie may bring them: paths, names of devices, of our own files, and what a file system may mistake. */
const KEYS: readonly string[] = [
  '../../x',
  '..',
  '.',
  '/etc/passwd',
  '..\\..\\x',
  'a/b',
  'a\0b',
  '\0',
  'x'.repeat(256),
  '../'.repeat(85),
  '%2e%2e%2f',
  '\u2025/\u2024',
  '\ud800',
  '\ufeff..',
  'con',
  'NUL',
  'com1.txt',
  'A',
  'a',
  '\u00e9',
  'e\u0301',
  '.journal',
  '.journal/000000000001.log',
  '000000000001.log',
  'owner-1-0123456789abcdef.sock',
  '.0123456789abcdef01234567-0.tmp',
  '.victim.claim',
  '.victim.taken-0123456789abcdef01234567-0',
  '.victim.corrupt-0123456789abcdef01234567-0',
  `~${'0'.repeat(64)}`,
  '=002e',
  '+a',
  '__proto__',
  'constructor',
  '-rf',
  '$(id)',
  '\n',
  'id;rm',
  'victim_out_abc',
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

test('what is no key of Django is refused before it comes near a file', async () => {
  const parent = temporaryDirectory()
  const engine = new SessionEngine({
    storage: files({ directory: `${parent}/s`, layout: 'flat', prefix: 'sessionid' }),
    codec: django({ secretKey: 'secret' }),
    threads: 1,
  })
  for (const key of KEYS) {
    if (/^[a-z0-9]{1,128}$/.test(key)) continue
    await rejection(engine.save(key, {}), InvalidSessionKeyError)
    await rejection(engine.load(key), InvalidSessionKeyError)
    await rejection(engine.delete(key), InvalidSessionKeyError)
  }
  await engine.ready()
  assert.equal(tree(`${parent}/s`), [])
  // Signed sessions may lie where everybody may write, as in /tmp, if the sticky bit keeps others from taking them away.
  await engine.close()
  const signing = (): SessionEngine =>
    new SessionEngine({
      storage: files({ directory: `${parent}/s`, layout: 'flat', prefix: 'sessionid' }),
      codec: django({ secretKey: 'secret' }),
      threads: 1,
    })
  chmodSync(`${parent}/s`, 0o777)
  const open = signing()
  assert.is((await rejection(open.ready(), StorageError)).errno, 'EPERM')
  await open.close()
  chmodSync(`${parent}/s`, 0o1777)
  const shared = signing()
  await shared.save('abc', { user: 1 })
  assert.equal(await shared.load('abc'), { user: 1 })
  await shared.close()
})

test('where everybody may write, unsigned sessions are refused, sticky bit or not', async () => {
  for (const mode of [0o777, 0o1777, 0o707]) {
    const directory = temporaryDirectory()
    chmodSync(directory, mode)
    for (const durability of ['direct', 'journal'] as const) {
      const engine = new SessionEngine({ storage: files({ directory, durability }), threads: 1 })
      assert.is((await rejection(engine.load('key'), StorageError)).errno, 'EPERM')
      await engine.close()
    }
  }
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
