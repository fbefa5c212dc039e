import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { JournalDescription } from '#dist/workers/protocol/index.js'
import { outcome, rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'

const test = suite('engine: an opening that fails')

const asRoot = process.getuid?.() === 0
const onPosix = skipUnless(process.platform !== 'win32', 'needs POSIX modes')
const canDropRights = !asRoot || spawnSync('setpriv', ['--version']).status === 0
const whereRightsBind = skipUnless(
  process.platform !== 'win32' && canDropRights,
  'root passes all modes, and there is no setpriv to give that right up',
)

interface Obstacle {
  readonly title: string
  readonly errno: string
  readonly says: RegExp
  /** Puts the obstacle in the way; returns the session directory. */
  readonly put: (parent: string) => string
  readonly remove: (directory: string) => void
}

const OBSTACLES: readonly Obstacle[] = [
  {
    title: 'a file stands where the directory should',
    errno: 'ENOTDIR',
    says: /session directory is not a directory/,
    put: (parent) => {
      const directory = join(parent, 'sessions')
      writeFileSync(directory, 'something of somebody else')
      return directory
    },
    remove: (directory) => rmSync(directory),
  },
  {
    title: 'the parent does not exist',
    errno: 'ENOENT',
    says: /parent of the session directory does not exist/,
    put: (parent) => join(parent, 'missing', 'sessions'),
    remove: (directory) => mkdirSync(join(directory, '..')),
  },
  {
    title: 'a link to nowhere stands where the directory should',
    errno: 'ENOTDIR',
    says: /link to a directory that does not exist/,
    put: (parent) => {
      const directory = join(parent, 'sessions')
      symlinkSync(join(parent, 'elsewhere'), directory)
      return directory
    },
    remove: (directory) => mkdirSync(join(directory, '..', 'elsewhere')),
  },
  {
    title: 'the parent is a file',
    errno: 'ENOTDIR',
    says: /parent of the session directory is not a directory/,
    put: (parent) => {
      writeFileSync(join(parent, 'file'), '')
      return join(parent, 'file', 'sessions')
    },
    remove: (directory) => {
      rmSync(join(directory, '..'))
      mkdirSync(join(directory, '..'))
    },
  },
]

const OPEN_TO_ALL: Obstacle = {
  title: 'everybody may write to the directory',
  errno: 'EPERM',
  says: /everybody may write/,
  put: (parent) => {
    const directory = join(parent, 'sessions')
    mkdirSync(directory)
    chmodSync(directory, 0o777)
    return directory
  },
  remove: (directory) => chmodSync(directory, 0o700),
}

for (const obstacle of [...OBSTACLES, OPEN_TO_ALL]) {
  const { title, errno, says } = obstacle
  onPosix(test, `${title}: it is named, and once it is gone the engine works`, async () => {
    const directory = obstacle.put(temporaryDirectory())
    const engine = new SessionEngine({ directory, threads: 2 })
    const waiting = [
      engine.create('a', {}),
      engine.update('a', {}),
      engine.save('a', {}),
      engine.touch('a'),
      engine.load('a'),
      engine.exists('a'),
      engine.delete('a'),
      engine.ready(),
      engine.count(),
      engine.keys().next(),
      engine.clear(),
      engine.clearExpired(),
    ]
    const failures = await Promise.all(waiting.map((promise) => rejection(promise, StorageError)))
    for (const failure of failures) {
      assert.is(failure.code, 'COATCHECK_STORAGE')
      assert.is(failure.errno, errno)
      assert.match(failure.message, says)
      assert.ok(failure.cause instanceof Error)
      assert.not.match(failure.message, directory)
    }
    await engine.flush()
    assert.is(engine.stats().pending.operations, 0)
    assert.is(engine.stats().pending.bytes, 0)

    obstacle.remove(directory)
    await engine.ready()
    await engine.create('a', { version: 1 })
    assert.equal(await engine.load('a'), { version: 1 })
    await engine.close()
  })
}

onPosix(test, 'an engine closes while, and after, its opening fails', async () => {
  for (const meanwhile of [true, false]) {
    const engine = new SessionEngine({
      directory: join(temporaryDirectory(), 'missing', 'sessions'),
      threads: 1,
    })
    const saving = outcome(engine.save('a', {}))
    if (!meanwhile) assert.is(await saving, 'StorageError')
    await engine.close()
    assert.is(await saving, 'StorageError')
  }
})

onPosix(test, 'the directory is made for this user alone, an existing one is taken as it is', async () => {
  const made = join(temporaryDirectory(), 'sessions')
  const engine = new SessionEngine({ directory: made, threads: 2 })
  await engine.ready()
  assert.is(lstatSync(made).mode & 0o7777, 0o700)
  await engine.close()
  const sticky = join(temporaryDirectory(), 'sessions')
  mkdirSync(sticky)
  chmodSync(sticky, 0o1770)
  const other = new SessionEngine({ directory: sticky, threads: 1 })
  await other.save('a', {})
  assert.is(lstatSync(sticky).mode & 0o7777, 0o1770)
  await other.close()
})

onPosix(test, "what is wrong with a journal's directory is named like that of any other", async () => {
  const directory = join(temporaryDirectory(), 'missing', 'sessions')
  const engine = new SessionEngine({ storage: files({ directory, durability: 'journal' }), threads: 1 })
  const error = await rejection(engine.ready(), StorageError)
  assert.is(error.errno, 'ENOENT')
  assert.match(error.message, /^the storage could not be opened: .*parent of the session directory/)
  await engine.close()
})

test('a reason of its own, that a storage does not open, is told as it is', async () => {
  const { journal, ...storage } = files({ directory: temporaryDirectory(), durability: 'journal' })
  const reason = new Error('the storage is not to be had')
  const refusing = { ...(journal as JournalDescription), own: () => Promise.reject(reason) }
  const engine = new SessionEngine({ storage: { ...storage, journal: refusing }, threads: 1 })
  for (const call of [engine.save('a', {}), engine.ready()]) assert.is(await rejection(call, Error), reason)
  await engine.close()
})

whereRightsBind(test, 'a directory that is not writable is named', () => {
  const directory = temporaryDirectory()
  chmodSync(directory, 0o500)
  const script = `
    const { SessionEngine } = await import(${JSON.stringify(import.meta.resolve('coatcheck'))})
    const engine = new SessionEngine({ directory: ${JSON.stringify(directory)}, threads: 1 })
    const told = (error) => console.log(error.code + ' ' + error.errno + ' ' + error.message)
    await Promise.all([engine.save('a', {}).catch(told), engine.ready().catch(told)])
    await engine.close()`
  const node = [process.execPath, '--input-type=module', '--eval', script]
  // Root without the right to pass all modes: still the owner of the code, so that it can be read.
  const command = asRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', ...node] : node
  const child = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8', timeout: 60_000 })
  chmodSync(directory, 0o700)
  const lines = child.stdout.trim().split('\n')
  assert.is(lines.length, 2, child.stderr)
  for (const line of lines) {
    assert.match(line, /^COATCHECK_STORAGE EACCES .*not writable for this user/)
    assert.not.match(line, directory)
  }
  assert.is(child.status, 0)
})

test.run()
