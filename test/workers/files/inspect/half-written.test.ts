import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSessionFile } from '#dist/workers/files/inspect/session-file.js'
import { OWN_FORMAT } from '#dist/workers/files/own-format.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { interleave, interrupt, refusing } from '../cut-points.js'
import { StorageDriver } from '../storage-driver.js'

// After cut-points.js, so that inspections get the calls that can be cut.
const { detectLayout } = await import('#dist/workers/files/inspect/detect-layout.js')
const { Inspection } = await import('#dist/workers/files/inspect/inspection.js')
const { JournalSnapshot } = await import('#dist/workers/files/inspect/journal-snapshot.js')

const test = suite('an inspection beside a touch')

test('an expiry that is half written at any call is read again', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  driver.save('a', 'text')
  const { file } = driver.place('a')
  const bytes = readFileSync(file)
  const halfWritten = Buffer.from(bytes)
  halfWritten.writeUInt16LE(bytes.readUInt16LE(8) ^ 0xffff, 8)
  for (const depth of ['header', 'whole'] as const) {
    let calls = 1
    for (let at = 0; at < calls; at++) {
      let kind = ''
      calls = interrupt(
        () => {
          kind = readSessionFile(file, OWN_FORMAT, depth).kind
        },
        (call) => {
          if (call === at) writeFileSync(file, halfWritten)
          else if (call === at + 1) writeFileSync(file, bytes)
        },
      )
      assert.is(kind, 'record', `${depth}, call ${at}`)
      writeFileSync(file, bytes)
    }
    assert.ok(calls >= 4, 'open, fstat, read, close')
  }
})

test('one that stays so is damage', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  driver.save('a', 'text')
  const { file } = driver.place('a')
  const bytes = readFileSync(file)
  bytes.writeUInt16LE(bytes.readUInt16LE(8) ^ 0xffff, 8)
  writeFileSync(file, bytes)
  for (const depth of ['header', 'whole'] as const) {
    assert.equal(readSessionFile(file, OWN_FORMAT, depth), {
      kind: 'corrupt',
      reason: 'expiry does not match its check',
    })
  }
})

/** What is told of a flat directory, whatever happens or fails meanwhile. */
function told(directory: string): string[] {
  const options = { layout: 'flat', prefix: '', orphanGrace: 0, recordFormat: undefined } as const
  const inspection = new Inspection({ ...options, directory })
  while (!inspection.readJournal().done);
  return inspection.walk('whole').entries.map((entry) => {
    if (entry.kind === 'session') return `session ${entry.key}`
    return entry.kind === 'unreadable' ? `${entry.code} ${entry.file}` : `${entry.kind} ${entry.file}`
  })
}

test('what goes while it is looked at is told of as it was, or not at all', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  const { directory } = driver.options
  const { file, claim } = driver.place('a')
  const seen = new Set<string>()
  let calls = 1
  for (let at = 0; at < calls; at++) {
    driver.save('a', 'text')
    writeFileSync(claim, '')
    const run = (): void => {
      rmSync(file, { force: true })
      rmSync(claim, { force: true })
    }
    let entries: string[] = []
    calls = Math.max(
      calls,
      interleave(() => {
        entries = told(directory)
      }, [{ at, run }]),
    )
    for (const entry of entries) assert.ok(['session a', 'orphan .a.claim'].includes(entry), entry)
    seen.add(entries.sort().join())
  }
  assert.ok(seen.has('') && seen.has('orphan .a.claim,session a'))
})

test('what cannot be looked at is told of, with the reason', () => {
  const driver = new StorageDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  const { directory } = driver.options
  for (const key of ['a', 'b']) driver.save(key, 'text')
  const entries = refusing(
    () => told(directory),
    (name, path) => (name === 'openSync' && path === driver.place('a').file ? 'EACCES' : undefined),
  )
  assert.equal(entries.sort(), ['EACCES a', 'session b'])
})

test('a directory that cannot be looked into has no layout, and one that is not there has the usual one', () => {
  const directory = `${temporaryDirectory('memory')}/sessions`
  assert.is(detectLayout(directory, ''), 'sharded')
  mkdirSync(directory)
  const refused = (name: string): string | undefined => (name === 'opendirSync' ? 'EACCES' : undefined)
  assert.throws(() => refusing(() => detectLayout(directory, ''), refused), /^EACCES/)
})

test('a journal whose directory cannot be listed is no empty one', () => {
  const { directory } = new StorageDriver({ directory: temporaryDirectory('memory') }).options
  const snapshot = new JournalSnapshot(directory)
  assert.ok(snapshot.read().done)
  const refused = (name: string): string | undefined => (name === 'readdirSync' ? 'EACCES' : undefined)
  assert.throws(() => refusing(() => Array.from(snapshot.bystanders()), refused), /^EACCES/)
})

test.run()
