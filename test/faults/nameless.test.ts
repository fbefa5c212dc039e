import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { digestName } from '#dist/workers/files/names.js'
import { FULL } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import { programMissing } from './missing.js'
import {
  engineOf,
  IN_KEYS,
  IN_SESSIONS,
  KEYS,
  type NamelessChildOptions,
  type Setting,
  useAll,
} from './nameless-use.js'

/*
 * With `hashNames`, a listing or backup names no live session: no name and no byte of the directory shows a key, whenever it
 * is looked at. Without, names do: so the search is known to find what there is.
 */

const nameless = suite('a listing or backup names no session')

const CHILD = fileURLToPath(new URL('./nameless-child.js', import.meta.url))
const EVERY: readonly Setting[] = (['direct', 'journal'] as const).flatMap((durability) =>
  [false, true].flatMap((hashNames) => [false, true].map((sealed) => ({ durability, hashNames, sealed }))),
)
/** Names are what `direct` is looked at for, and those are the same whatever is in the files. */
const SETTINGS = EVERY.filter(({ durability, sealed }) => FULL || durability === 'journal' || !sealed)

/** Text in any of the ways in which it might be written: plain, in UTF-16, in file names, in hexadecimal digits. */
function shows(haystack: Buffer | string, text: string): boolean {
  const bytes = typeof haystack === 'string' ? haystack : haystack.toString('latin1')
  const letters = bytes.toLowerCase()
  const spellings = [letters, letters.replaceAll('\0', ''), letters.replaceAll('+', '')]
  if (spellings.some((spelling) => spelling.includes(text))) return true
  return ['utf8', 'utf16le'].some((encoding) =>
    letters.includes(Buffer.from(text, encoding as BufferEncoding).toString('hex')),
  )
}

interface Found {
  readonly inNames: boolean
  readonly inBytes: boolean
  readonly inJournal: boolean
  readonly sessionsInJournal: boolean
}

function search(directory: string): Found {
  const found = { inNames: false, inBytes: false, inJournal: false, sessionsInJournal: false }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (shows(path.slice(directory.length), IN_KEYS)) found.inNames = true
    if (!entry.isFile()) continue
    const bytes = readFileSync(path)
    const inJournal = entry.parentPath.includes('.journal')
    if (shows(bytes, IN_KEYS)) found[inJournal ? 'inJournal' : 'inBytes'] = true
    if (inJournal && shows(bytes, IN_SESSIONS)) found.sessionsInJournal = true
  }
  return found
}

function nameOf({ durability, hashNames, sealed }: Setting): string {
  return [durability, ...(hashNames ? ['hashed names'] : []), ...(sealed ? ['sealed'] : [])].join(', ')
}

const NOTHING = { inNames: false, inBytes: false, inJournal: false }
const parent = temporaryDirectory()
const settings = SETTINGS.map((setting, index) => ({ ...setting, directory: `${parent}/${index}` }))

nameless('after a kill before the first checkpoint', async () => {
  const options: NamelessChildOptions = { settings, close: false }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.is(child.signalCode, 'SIGKILL')
  for (const setting of settings) {
    const { sessionsInJournal, ...found } = search(setting.directory)
    const { durability, hashNames, sealed } = setting
    const journal = durability === 'journal'
    assert.is(sessionsInJournal, journal && !sealed, nameOf(setting))
    const expected = {
      inNames: !journal && !hashNames,
      // The record of a key that is too long for a name.
      inBytes: !journal && !hashNames,
      inJournal: journal && !hashNames && !sealed,
    }
    assert.equal(found, expected, nameOf(setting))
  }
})

for (const setting of settings.filter(({ hashNames }) => FULL || hashNames)) {
  nameless(`${nameOf(setting)}: read back, brought to files, used again, damaged, closed`, async () => {
    const { directory, hashNames } = setting
    const engine = engineOf(setting, directory)
    const notices: unknown[] = []
    engine.on('corrupt', (notice) => notices.push(notice))
    for (const key of KEYS) assert.equal(await engine.load(key), { IN_SESSIONS, version: 3 })
    const assertNameless = (): void => {
      const { sessionsInJournal: _, ...found } = search(directory)
      if (hashNames) assert.equal(found, NOTHING)
    }
    await engine.flush({ files: true })
    assertNameless()
    await useAll(engine)
    assertNameless()
    await engine.flush({ files: true })
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.parentPath.includes('.journal')) continue
      writeFileSync(join(entry.parentPath, entry.name), 'no session')
    }
    for (const key of KEYS) assert.is(await engine.load(key), undefined)
    assertNameless()
    await engine.close()
    assertNameless()
    assert.is(notices.length, KEYS.length)
    assert.not(shows(JSON.stringify(notices), IN_KEYS))
    assert.is(search(directory).inNames, !hashNames)
  })
}

skipWhere(programMissing('strace', '-o', '/dev/null', 'true'))(
  nameless,
  'no name that was ever there for a moment, and no byte that was ever written',
  () => {
    const log = `${parent}/trace`
    const calls = ['write', 'pwrite64', 'writev', 'pwritev', 'open', 'openat', 'mkdir', 'mkdirat', 'rename']
    calls.push('renameat', 'renameat2', 'link', 'linkat', 'symlink', 'unlink', 'unlinkat', 'rmdir')
    const run = (traced: readonly Setting[]): string => {
      const options: NamelessChildOptions = {
        settings: traced.map((setting) => ({ ...setting, directory: `${parent}/traced-${nameOf(setting)}` })),
        close: true,
      }
      const trace = `trace=${calls.map((call) => `?${call}`).join()}`
      // All strings in hexadecimal digits: what is not ASCII has more than one spelling otherwise.
      const flags = ['-f', '-qq', '-xx', '-s', '1000000', '-o', log, '-e', trace]
      const program = [process.execPath, CHILD, JSON.stringify(options)]
      // Not what a measurement of coverage writes, which quotes our sources.
      const env = { ...process.env, NODE_V8_COVERAGE: '' }
      const { status, stderr } = spawnSync('strace', [...flags, ...program], { env })
      assert.is(status, 0, String(stderr))
      return readFileSync(log, 'latin1').replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
        digits === '0a' ? ' ' : String.fromCharCode(Number.parseInt(digits, 16)),
      )
    }
    const hashed = SETTINGS.filter(({ hashNames }) => hashNames)
    const text = run(
      FULL ? hashed : hashed.filter(({ durability, sealed }) => sealed === (durability === 'journal')),
    )
    const lines = (traced: string): string[] => traced.split('\n').filter((line) => shows(line, IN_KEYS))
    assert.equal(lines(text), [])
    for (const key of KEYS) assert.ok(text.includes(digestName(key)))
    if (!FULL) return
    // What the search finds without, has each of them in the bytes in which it is written.
    const shown = lines(run(SETTINGS.filter(({ hashNames }) => !hashNames)))
    for (const key of KEYS) {
      const spellings = (['utf8', 'utf16le'] as const).map((encoding) =>
        Buffer.from(key, encoding).toString('latin1'),
      )
      assert.ok(
        spellings.some((spelling) => shown.some((line) => line.includes(spelling))),
        key,
      )
    }
  },
)

nameless.run()
