import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DjangoFormat } from '#dist/workers/files/django/format.js'
import { detectLayout } from '#dist/workers/files/inspect/detect-layout.js'
import type {
  InspectedEntry,
  InspectionDepth,
  InspectionOptions,
  InspectionSlice,
} from '#dist/workers/files/inspect/entries.js'
import { Inspection } from '#dist/workers/files/inspect/inspection.js'
import { Status } from '#dist/workers/protocol/index.js'
import { SEALED } from '#dist/workers/record/seal-reasons.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { NEW } from '../journal/frames-on-disk.js'
import { JournalDriver } from '../journal/journal-driver.js'
import { StorageDriver } from '../storage-driver.js'
import { treeOf } from './tree.js'

const test = suite('inspection')

function inspectionOf(directory: string, options: Partial<InspectionOptions> = {}): Inspection {
  const inspection = new Inspection({
    layout: undefined,
    prefix: '',
    orphanGrace: 0,
    recordFormat: undefined,
    ...options,
    directory,
  })
  while (!inspection.readJournal().done);
  return inspection
}

function slicesOf(inspection: Inspection, depth: InspectionDepth): InspectionSlice[] {
  const slices: InspectionSlice[] = []
  do slices.push(inspection.walk(depth))
  while (slices.at(-1)?.done !== true)
  return slices
}

function entriesOf(inspection: Inspection, depth: InspectionDepth = 'whole'): InspectedEntry[] {
  return slicesOf(inspection, depth).flatMap(({ entries }) => entries)
}

/** What is told of everything but sessions, and the keys of those. */
function told(entries: readonly InspectedEntry[]): string[] {
  return entries
    .map((entry) => {
      if (entry.kind === 'session') return `session ${entry.key} in ${entry.where}`
      if (entry.kind === 'corrupt') return `corrupt ${entry.file}: ${entry.reason}`
      return entry.kind === 'orphan' ? `orphan ${entry.file}: ${entry.what}` : `${entry.kind} ${entry.file}`
    })
    .sort()
}

function driverIn(layout: 'sharded' | 'flat', prefix = ''): StorageDriver {
  return new StorageDriver({ directory: temporaryDirectory('memory'), layout, prefix })
}

test('every kind of damage is told by its reason, and everything stays as it is', () => {
  const driver = driverIn('flat')
  const { directory } = driver.options
  const keys = ['alive', 'cut', 'flip', 'head', 'long', 'format', 'expiry']
  for (const key of keys) driver.save(key, 'the text of a session')
  const change = (key: string, edit: (bytes: Buffer) => Buffer): void => {
    const { file } = driver.place(key)
    writeFileSync(file, edit(readFileSync(file)))
    utimesSync(file, 2e9, 2e9)
  }
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  }
  change('cut', (bytes) => bytes.subarray(0, -1))
  change('flip', flip(45))
  change('head', (bytes) => bytes.subarray(0, 12))
  change('long', (bytes) => Buffer.concat([bytes, Buffer.from('x')]))
  change('format', flip(16))
  change('expiry', flip(8))
  driver.save('dead', 'expired', Date.now() + 1000)
  utimesSync(driver.place('dead').file, 1, 1)
  writeFileSync(`${directory}/script`, '#!/bin/sh\necho this is no session at all, only a program\n')
  symlinkSync('/etc/passwd', `${directory}/link`)
  mkdirSync(`${directory}/folder`)
  const before = treeOf(directory)
  const whole = told(entriesOf(inspectionOf(directory)))
  assert.equal(whole, [
    'corrupt cut: not as long as it says',
    'corrupt expiry: expiry does not match its check',
    'corrupt flip: checksum does not match',
    'corrupt folder: no regular file',
    'corrupt format: record format 0, known is 1',
    'corrupt head: shorter than a record header',
    'corrupt link: a symbolic link',
    'corrupt long: not as long as it says',
    'corrupt script: no session record',
    'session alive in file',
    'session dead in file',
  ])
  // By headers alone, a wrong checksum stays unseen; nothing else does.
  assert.equal(
    told(entriesOf(inspectionOf(directory), 'header')),
    [...whole.filter((line) => !line.includes('checksum')), 'session flip in file'].sort(),
  )
  assert.equal(treeOf(directory), before)
})

test('what crashes leave is told apart from what may be in use, what was kept aside, and what is foreign', () => {
  const driver = driverIn('sharded')
  const { directory } = driver.options
  driver.save('a', 'a')
  const { directory: own } = driver.place('a')
  const shard = own.slice(directory.length + 1)
  const token = '0123456789abcdef01234567'
  const files = [
    `.${token}-1.tmp`,
    `.b.taken-${token}-2`,
    '.b.claim',
    `.b.corrupt-${token}-3`,
    'empty',
    '.notes',
    'Big',
  ]
  for (const name of files) writeFileSync(`${own}/${name}`, '')
  mkdirSync(`${own}/buried`)
  chmodSync(`${own}/buried`, 0o1700)
  writeFileSync(`${directory}/readme`, '')
  const entries = entriesOf(inspectionOf(directory))
  assert.equal(told(entries), [
    `aside ${shard}/.b.corrupt-${token}-3`,
    `foreign ${shard}/.notes`,
    `foreign ${shard}/Big`,
    'foreign readme',
    `orphan ${shard}/.${token}-1.tmp: temporary`,
    `orphan ${shard}/.b.claim: claim`,
    `orphan ${shard}/.b.taken-${token}-2: taken`,
    `orphan ${shard}/buried: tombstone`,
    `orphan ${shard}/empty: placeholder`,
    'session a in file',
  ])
  const stale = entries.flatMap((entry) => (entry.kind === 'orphan' && entry.stale ? entry.what : []))
  // Claims and tombstones have ages of their own; all of these were made a moment ago.
  assert.equal(stale.sort(), ['placeholder', 'taken', 'temporary'])
})

test('a record is to be where its key belongs, and under its name', () => {
  const driver = driverIn('sharded')
  const { directory } = driver.options
  const long = 'long'.repeat(50)
  driver.save('a', 'a')
  driver.save(long, 'b')
  const a = driver.place('a')
  const other = a.directory.endsWith('00') ? `${directory}/01` : `${directory}/00`
  mkdirSync(other, { recursive: true })
  renameSync(a.file, `${other}/a`)
  const wrongName = `${driver.place(long).directory}/~${'0'.repeat(64)}`
  copyFileSync(driver.place(long).file, wrongName)
  assert.equal(
    told(entriesOf(inspectionOf(directory))),
    [
      `corrupt ${other.slice(-2)}/a: in a directory of other keys`,
      `corrupt ${wrongName.slice(directory.length + 1)}: the key in it is not that of its file name`,
      `session ${long} in file`,
    ].sort(),
  )
})

test('sessions of another prefix are foreign, and the layout shows', () => {
  const driver = driverIn('flat', 'app')
  const { directory } = driver.options
  driver.save('x', 'x')
  new StorageDriver({ ...driver.options, prefix: 'app2' }).save('x', 'x')
  const inspection = inspectionOf(directory, { prefix: 'app' })
  assert.is(inspection.layout, 'flat')
  assert.equal(told(entriesOf(inspection)), ['foreign app2x', 'session x in file'])
  assert.is(inspection.find('2x').kind, 'absent')
  const sharded = driverIn('sharded')
  assert.is(inspectionOf(sharded.options.directory).layout, 'sharded', 'an empty one')
  // The name of a session, but nobody's session: not enough to take a directory for a flat one.
  for (const name of ['readme', 'README']) writeFileSync(`${sharded.options.directory}/${name}`, 'read me')
  assert.is(inspectionOf(sharded.options.directory).layout, 'sharded')
})

test('a journal has the last word over files, hashed names included', () => {
  for (const hashNames of [false, true]) {
    const driver = new JournalDriver({ directory: temporaryDirectory('memory'), hashNames })
    const { directory } = driver.options
    for (const key of ['a', 'b', 'c']) driver.save(key, 'in a file')
    driver.checkpoint()
    driver.save('a', 'in the journal')
    driver.delete('b')
    const before = treeOf(directory)
    const inspection = inspectionOf(directory)
    const c = `session ${hashNames ? undefined : 'c'} in file`
    const a = `session ${hashNames ? undefined : 'a'} in journal`
    assert.equal(told(entriesOf(inspection)), [a, c].sort())
    const texts = ['a', 'b', 'c', 'd'].map((key) => {
      const found = inspection.find(key)
      return found.kind === 'session' ? Buffer.from(found.payload).toString() : found.kind
    })
    assert.equal(texts, ['in the journal', 'absent', 'in a file', 'absent'])
    assert.equal(treeOf(directory), before)
  }
})

test('a key too long for a name has one file, whether names are hashed or not: the journal tells of it', () => {
  const [long, gone, left] = ['k'.repeat(200), 'g'.repeat(200), 'l'.repeat(200)]
  const plain = driverIn('sharded')
  const { directory } = plain.options
  for (const key of [long, gone, left]) plain.save(key, 'in a file')
  const driver = new JournalDriver({ directory, hashNames: true })
  assert.is(driver.update(long, 'in the journal'), Status.DONE)
  driver.delete(gone)
  const inspection = inspectionOf(directory)
  for (const depth of ['whole', 'header'] as const) {
    assert.equal(told(entriesOf(inspection, depth)), [
      `session ${left} in file`,
      'session undefined in journal',
    ])
  }
  assert.is(inspection.find(gone).kind, 'absent')
})

test('a record in the place of a key that says another one is not what is found under it', () => {
  const driver = driverIn('flat')
  const [mine, other] = ['m'.repeat(200), 'o'.repeat(200)]
  driver.save(other, 'text')
  copyFileSync(driver.place(other).file, driver.place(mine).file)
  assert.is(driver.load(mine), undefined)
  const inspection = inspectionOf(driver.options.directory, { layout: 'flat' })
  assert.is(inspection.find(mine).kind, 'absent')
  assert.is(inspection.find(other).kind, 'session')
})

test('a directory that cannot be looked through is no empty one, however often it is tried', () => {
  const directory = join(temporaryDirectory('memory'), 'sessions')
  mkdirSync(directory)
  const inspection = inspectionOf(directory, { layout: 'flat' })
  rmdirSync(directory)
  assert.throws(() => inspection.walk('whole'), /ENOENT/)
  assert.throws(() => inspection.walk('whole'), /ENOENT/)
  mkdirSync(directory)
  assert.equal(entriesOf(inspection), [])
})

test('what is sealed is told of without its keys, and read with them', () => {
  for (const hashNames of [false, true]) {
    const directory = temporaryDirectory('memory')
    const driver = new StorageDriver({ directory, layout: 'flat', seal: NEW, hashNames })
    driver.save('a', 'text')
    const { file } = driver.place('a')
    const closed = inspectionOf(directory, { layout: 'flat' })
    const [entry] = entriesOf(closed)
    assert.ok(entry?.kind === 'session')
    const { key, bytes, closed: isClosed, payloadAt } = entry
    assert.equal([key, bytes, isClosed, payloadAt], [hashNames ? undefined : 'a', 4, true, undefined])
    const found = closed.find('a')
    assert.equal([found.kind, 'reason' in found && found.reason], ['corrupt', SEALED])
    const open = inspectionOf(directory, { layout: 'flat', seal: NEW })
    const [slice] = slicesOf(open, 'whole')
    assert.is(Buffer.from(slice?.payloads ?? []).toString(), 'text')
    const whole = open.find('a')
    assert.is(whole.kind === 'session' && Buffer.from(whole.payload).toString(), 'text')
    // Without keys its checksum is all that can be checked.
    const damaged = readFileSync(file)
    damaged.writeUInt8(damaged.readUInt8(60) ^ 1, 60)
    writeFileSync(file, damaged)
    const name = file.slice(directory.length + 1)
    for (const inspection of [closed, open]) {
      assert.equal(told(entriesOf(inspection)), [`corrupt ${name}: checksum does not match`])
      assert.equal(inspection.find('a'), { kind: 'corrupt', reason: 'checksum does not match' })
    }
  }
})

test('a journal in a flat directory, and what lies about in it, is told apart from sessions', () => {
  const driver = new JournalDriver({ directory: temporaryDirectory('memory'), layout: 'flat' })
  const { directory } = driver.options
  driver.save('a', 'text')
  writeFileSync(`${driver.journalDirectory}/notes`, '')
  const inspection = inspectionOf(directory, { layout: 'flat' })
  for (const depth of ['whole', 'header'] as const) {
    const slices = slicesOf(inspection, depth)
    assert.equal(told(slices.flatMap(({ entries }) => entries)), [
      'foreign .journal/notes',
      'session a in journal',
    ])
    assert.is(slices[0]?.payloads.length, depth === 'whole' ? 4 : 0)
  }
})

test('a directory of the sharded layout that is none is told of, and the others are looked through', () => {
  const driver = driverIn('sharded')
  const { directory } = driver.options
  driver.save('a', 'text')
  const other = driver.place('a').directory.endsWith('00') ? '01' : '00'
  writeFileSync(`${directory}/${other}`, '')
  assert.equal(told(entriesOf(inspectionOf(directory))), ['session a in file', `unreadable ${other}`])
})

test('a socket, and a file that is larger than any record, are not read', async () => {
  const driver = driverIn('flat')
  const { directory } = driver.options
  for (const key of ['large', 'there']) driver.save(key, 'text')
  truncateSync(driver.place('large').file, 2 ** 30)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${directory}/socket`, resolve))
  assert.equal(told(entriesOf(inspectionOf(directory))), [
    'corrupt large: larger than any record',
    'corrupt socket: a socket or device',
    'session there in file',
  ])
  server.close()
})

test('sessions of Django are found, and told apart from what else lies there', () => {
  const directory = temporaryDirectory('memory')
  const format = new DjangoFormat(
    { secrets: ['secret'], salt: 'salt', cookieAge: 3_600_000, expireIdle: false },
    { maxRecordBytes: 1000, placeholderLife: 0 },
  )
  const driver = new StorageDriver({ directory, layout: 'flat', prefix: 'sessionid' }, format)
  driver.save('k', '{"a":1}')
  for (const name of ['sessionidk_out_h3k2x9a', 'sessionidUPPER', 'readme']) {
    writeFileSync(`${directory}/${name}`, '')
  }
  truncateSync(openedAt(`${directory}/sessionidlarge`), 2 ** 28)
  assert.is(detectLayout(directory, 'sessionid'), 'flat')
  const options = { prefix: 'sessionid', orphanGrace: 0, recordFormat: undefined } as const
  const inspection = new Inspection({ ...options, directory, layout: 'flat' }, format)
  while (!inspection.readJournal().done);
  assert.equal(told(entriesOf(inspection)), [
    'corrupt sessionidlarge: larger than any record',
    'foreign readme',
    'foreign sessionidUPPER',
    'orphan sessionidk_out_h3k2x9a: temporary',
    'session k in file',
  ])
})

/** A new file, to be made larger. */
function openedAt(path: string): string {
  writeFileSync(path, '')
  return path
}

test('slices are bounded by entries and by bytes, and payloads are found in them', () => {
  const driver = driverIn('flat')
  for (let index = 0; index < 600; index++) driver.save(`k${index}`, `text ${index}`)
  const large = 'x'.repeat(600_000)
  for (const key of ['large1', 'large2', 'large3']) driver.save(key, large)
  const inspection = inspectionOf(driver.options.directory)
  for (const walk of [1, 2]) {
    const slices = slicesOf(inspection, 'whole')
    assert.ok(slices.length >= 3, `${slices.length} slices of walk ${walk}`)
    assert.ok(slices.every(({ entries }) => entries.length <= 512))
    assert.ok(slices.every(({ payloads }) => payloads.length < 2 * 2 ** 20))
    const texts = slices.flatMap(({ entries, payloads }) =>
      entries.map((entry) => {
        assert.ok(entry.kind === 'session' && entry.payloadAt !== undefined)
        const text = payloads.subarray(entry.payloadAt, entry.payloadAt + entry.bytes)
        const expected = entry.key?.startsWith('k') ? `text ${entry.key.slice(1)}` : large
        assert.is(Buffer.from(text).toString(), expected)
        return entry.key
      }),
    )
    assert.is(new Set(texts).size, 603)
  }
})

test.run()
