import { createHash, createHmac } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DjangoFormat } from '#dist/workers/files/django/format.js'
import { Signing } from '#dist/workers/files/django/signing.js'
import { liveness } from '#dist/workers/files/liveness.js'
import { type CorruptNotice, Opcode, Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { HOUR, StorageDriver } from '../storage-driver.js'

const test = suite('django: records in files')

const KEY = 'k'.repeat(32)
const TEXT = '{"a":1}'
const SIGNING = { secrets: ['secret'], salt: 'salt' }
const COOKIE_AGE = 24 * HOUR
const MOST = 1000

function open(placeholderLife = HOUR, orphanGrace = HOUR): StorageDriver {
  return new StorageDriver(
    {
      directory: temporaryDirectory('memory'),
      layout: 'flat',
      prefix: 'sessionid',
      maxRecordBytes: MOST,
      orphanGrace,
    },
    new DjangoFormat(
      { ...SIGNING, cookieAge: COOKIE_AGE, expireIdle: false },
      { maxRecordBytes: MOST, placeholderLife },
    ),
  )
}

function signed(json: Buffer): Buffer {
  return new Signing(SIGNING).sign(json, Date.now())
}

function write(driver: StorageDriver, text: Buffer | string, modified = new Date()): string {
  const { file } = driver.place(KEY)
  writeFileSync(file, text)
  utimesSync(file, modified, modified)
  return file
}

test('a session is its signed text, and its file is as old as its expiry says', () => {
  const driver = open()
  const expiry = Date.now() + 2 * HOUR
  assert.is(driver.create(KEY, TEXT, expiry), Status.DONE)
  const { file } = driver.place(KEY)
  assert.is(file, `${driver.options.directory}/sessionid${KEY}`)
  const unsigned = new Signing(SIGNING).unsign(readFileSync(file), MOST)
  assert.is(typeof unsigned === 'string' ? unsigned : unsigned.json.toString(), TEXT)
  assert.ok(Math.abs(statSync(file).mtimeMs - (expiry - COOKIE_AGE)) < 1)
  const loaded = driver.one({ opcode: Opcode.LOAD, key: KEY })
  assert.is(loaded.text, TEXT)
  assert.is(loaded.codec, 3)
  assert.ok(Math.abs((loaded.expiry ?? 0) - expiry) < 1)
})

test('a create that is tried again takes the same session for its own, and no other', () => {
  const driver = open()
  const expiry = Date.now() + HOUR
  const create = (text: string, attempt: number): Status | undefined =>
    driver.apply([{ opcode: Opcode.CREATE, key: KEY, text, expiry }], attempt).outcomes[0]?.status
  assert.is(create(TEXT, 0), Status.DONE)
  assert.is(create(TEXT, 0), Status.CONFLICT)
  assert.is(create('{"a":2}', 1), Status.CONFLICT)
  assert.is(create(TEXT, 1), Status.DONE)
  write(driver, readFileSync(driver.place(KEY).file, 'latin1').slice(0, -1))
  assert.is(create(TEXT, 1), Status.CONFLICT, 'a damaged one is not what it wrote')
  assert.equal(readdirSync(driver.options.directory), [`sessionid${KEY}`])
})

test('nor one of other times, or one that has expired', () => {
  const driver = open()
  const expiry = Date.now() + 2 * HOUR
  const retry = (opcode: Opcode, text = TEXT): Status | undefined =>
    driver.apply([{ opcode, key: KEY, text, expiry, was: 'another' }], 1).outcomes[0]?.status
  assert.is(driver.create(KEY, TEXT, expiry), Status.DONE)
  assert.is(retry(Opcode.CREATE), Status.DONE)
  assert.is(retry(Opcode.REPLACE), Status.DONE)
  driver.save(KEY, TEXT, expiry + 10)
  assert.is(retry(Opcode.CREATE), Status.CONFLICT, 'of a login at another moment')
  assert.is(retry(Opcode.REPLACE), Status.FAILED, 'it may have been replaced since')
  // Says itself when it ends, so that its file has the time at which it was written: another one for each attempt.
  const lasting = JSON.stringify({ _session_expiry: new Date(expiry) })
  driver.save(KEY, lasting, expiry)
  utimesSync(driver.place(KEY).file, new Date(), new Date(Date.now() - HOUR))
  assert.is(retry(Opcode.CREATE, lasting), Status.DONE)
  const ended = JSON.stringify({ _session_expiry: new Date(Date.now() - HOUR) })
  write(driver, signed(Buffer.from(ended)))
  assert.is(retry(Opcode.REPLACE, ended), Status.ABSENT, 'it has expired')
  assert.is(retry(Opcode.CREATE, ended), Status.DONE)
})

const FOREIGN: readonly (readonly [what: string, text: Buffer, reason: string])[] = [
  ['garbage', Buffer.from('garbage'), 'not signed'],
  ['nothing but colons', Buffer.from('::'), 'signature does not match'],
  ['a header of our own', Buffer.from('CTCK'.padEnd(60, '\0')), 'not signed'],
  ['not ASCII', Buffer.from('é:é:é'), 'signature does not match'],
  [
    'what was signed with another secret',
    new Signing({ ...SIGNING, secrets: ['another'] }).sign(Buffer.from(TEXT), Date.now()),
    'signature does not match',
  ],
  [
    'a text that unpacks to more than is allowed',
    signed(Buffer.alloc(1_000_000, ' ')),
    'larger than any session',
  ],
  ['a pickle', signed(Buffer.from('800495', 'hex')), 'pickled, not JSON'],
  ['a file that is too large', Buffer.alloc(10_000, 'a'), 'larger than any record'],
]

function told(corrupt: readonly CorruptNotice[]): readonly unknown[] {
  return corrupt.map(({ reason, keptAs }) => [reason, keptAs])
}

for (const [what, text, reason] of FOREIGN) {
  test(`${what} is no session, but perhaps another program's: it stays where it is`, () => {
    const driver = open()
    const file = write(driver, text)
    const step = { opcode: Opcode.LOAD, key: KEY }
    for (const { status, corrupt } of [driver.one(step), driver.one(step)]) {
      assert.is(status, Status.ABSENT)
      assert.equal(told(corrupt), [[reason, undefined]])
    }
    const { status, corrupt } = driver.one({ ...step, opcode: Opcode.REPLACE, text: TEXT, was: TEXT })
    assert.is(status, Status.ABSENT)
    assert.equal(told(corrupt), [[reason, undefined]])
    assert.equal(readdirSync(driver.options.directory), [`sessionid${KEY}`])
    assert.ok(readFileSync(file).equals(text))
  })
}

for (const [what, text] of FOREIGN) {
  test(`${what} is absent to all but a create, which may not have its place, and a save, which takes it`, () => {
    for (const modified of [new Date(), new Date(Date.now() - COOKIE_AGE - 1000)]) {
      const driver = open()
      const file = write(driver, text, modified)
      const { directory } = driver.options
      assert.is(driver.exists(KEY), false)
      assert.is(driver.update(KEY, TEXT), Status.ABSENT)
      assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
      assert.is(driver.touch(KEY, Date.now() - HOUR), Status.ABSENT)
      assert.is(driver.replace(KEY, TEXT, TEXT), Status.ABSENT)
      assert.is(driver.create(KEY, TEXT), Status.CONFLICT)
      assert.equal(driver.walk('keys').keys, [])
      assert.is(driver.walk('count').live, 0)
      assert.is(driver.walk('clear').live, 0)
      const { expired, orphans, corrupt } = driver.walk('sweep')
      assert.equal({ expired, orphans, corrupt }, { expired: 0, orphans: 0, corrupt: [] })
      assert.equal(readdirSync(directory), [`sessionid${KEY}`])
      assert.ok(readFileSync(file).equals(text))
      assert.ok(Math.abs(statSync(file).mtimeMs - modified.getTime()) < 1)
      assert.is(driver.save(KEY, TEXT), Status.DONE)
      assert.is(driver.load(KEY), TEXT)
      assert.equal(readdirSync(directory), [`sessionid${KEY}`])
    }
  })
}

test('what may be another program’s is put back when whoever took it to look at has died', () => {
  const driver = open(0, 0)
  const { file } = driver.place(KEY)
  writeFileSync(`${driver.options.directory}/.sessionid${KEY}.taken-${'0'.repeat(24)}-1`, 'garbage')
  assert.is(driver.walk('sweep').orphans, 1)
  assert.is(readFileSync(file, 'latin1'), 'garbage')
})

/** With a good signature. */
function signedAnyway(value: string): Buffer {
  const key = createHash('sha256')
    .update(`${SIGNING.salt}signer`)
    .update(SIGNING.secrets[0] ?? '')
    .digest()
  return Buffer.from(`${value}:${createHmac('sha256', key).update(value).digest('base64url')}`)
}

const BROKEN: readonly (readonly [what: string, text: Buffer, reason: string])[] = [
  ['a text without a timestamp', signedAnyway('e30'), 'signed without a timestamp'],
  ['a text that is not compressed as it says', signedAnyway('.e30:1'), 'cannot be decompressed'],
]

for (const [what, text, reason] of BROKEN) {
  test(`${what} is no session, for all its good signature, and kept aside`, () => {
    const driver = open()
    const file = write(driver, text)
    assert.is(driver.exists(KEY), false)
    assert.is(driver.update(KEY, TEXT), Status.ABSENT)
    assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
    assert.is(driver.create(KEY, TEXT), Status.CONFLICT, 'what it is has to be seen first')
    assert.equal(driver.walk('keys').keys, [])
    assert.is(driver.walk('count').live, 0)
    assert.is(driver.walk('clear').live, 0)
    assert.equal(driver.walk('sweep').corrupt, [], 'nobody can say yet that it has expired')
    const { status, corrupt } = driver.one({ opcode: Opcode.LOAD, key: KEY })
    assert.is(status, Status.ABSENT)
    assert.equal(
      corrupt.map((notice) => notice.reason),
      [reason],
    )
    assert.not.ok(existsSync(file))
    const [aside = '', ...others] = readdirSync(driver.options.directory)
    assert.equal(others, [])
    assert.ok(aside.startsWith('.'))
    assert.ok(readFileSync(`${driver.options.directory}/${aside}`).equals(text))
    assert.is(driver.create(KEY, TEXT), Status.DONE)
  })
}

test('the sweep tells of what is broken behind a good signature when its time is over, and leaves it', () => {
  const driver = open()
  const file = write(driver, signedAnyway('e30'), new Date(Date.now() - COOKIE_AGE - 1000))
  const { expired, corrupt } = driver.walk('sweep')
  assert.is(expired, 0)
  assert.equal(corrupt, [{ reason: 'no session record', keptAs: undefined }])
  assert.ok(existsSync(file))
})

test('a payload that the codec refuses is set aside, and no newer one', () => {
  const driver = open()
  driver.save(KEY, 'no JSON')
  const { writeId } = driver.one({ opcode: Opcode.LOAD, key: KEY })
  assert.ok(writeId)
  driver.save(KEY, TEXT)
  assert.is(driver.one({ opcode: Opcode.SET_ASIDE, key: KEY, writeId }).corrupt[0]?.keptAs, undefined)
  assert.is(driver.load(KEY), TEXT)
  driver.save(KEY, 'no JSON')
  const second = driver.one({ opcode: Opcode.LOAD, key: KEY }).writeId
  assert.ok(second)
  assert.ok(driver.one({ opcode: Opcode.SET_ASIDE, key: KEY, writeId: second }).corrupt[0]?.keptAs)
  assert.is(driver.load(KEY), undefined)
})

test('an empty file is a place that is kept, for a while', () => {
  const driver = open()
  write(driver, '')
  assert.is(driver.create(KEY, TEXT), Status.CONFLICT)
  assert.is(driver.update(KEY, TEXT), Status.ABSENT)
  assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
  assert.is(driver.exists(KEY), false)
  assert.is(driver.load(KEY), undefined)
  assert.equal(driver.notices, [])
  assert.is(driver.save(KEY, TEXT), Status.DONE)
  const hasty = open(0, 0)
  write(hasty, '')
  assert.is(hasty.create(KEY, TEXT), Status.DONE)
  write(hasty, '')
  assert.is(hasty.walk('sweep').orphans, 1)
})

test('signed sessions may lie where everybody may write, if nobody can take away those of others', () => {
  const directory = temporaryDirectory('memory')
  const opened = (): StorageDriver =>
    new StorageDriver(
      { directory, layout: 'flat' },
      new DjangoFormat(
        { ...SIGNING, cookieAge: COOKIE_AGE, expireIdle: false },
        { maxRecordBytes: MOST, placeholderLife: HOUR },
      ),
    )
  chmodSync(directory, 0o777)
  assert.throws(opened, /^EPERM: .* no sticky bit/)
  chmodSync(directory, 0o1777)
  assert.is(opened().create(KEY, TEXT), Status.DONE)
  // Our own records say nothing of who has written them.
  assert.throws(() => new StorageDriver({ directory, layout: 'flat' }), /^EPERM/)
})

test('what Django leaves when it dies is swept; other names, and empty files, are no sessions', () => {
  const driver = open(HOUR, 0)
  const { directory } = driver.options
  driver.save(KEY, TEXT)
  for (const name of [`sessionid${KEY}_out_h3k2x9a`, 'sessionidUPPER', 'sessionidempty', 'other'])
    writeFileSync(`${directory}/${name}`, '')
  assert.equal(driver.walk('keys').keys, [KEY])
  assert.is(driver.walk('count').live, 1)
  assert.is(driver.walk('sweep').orphans, 2)
  assert.equal(readdirSync(directory).sort(), ['other', 'sessionidUPPER', `sessionid${KEY}`].sort())
})

test('an empty file that was left behind keeps nobody from its place', () => {
  // Long enough for all that a create does with it.
  const driver = open(200, 200)
  const { file, format } = driver.place(KEY)
  const leaveBehind = (): void => {
    write(driver, '')
    while (liveness(format, file, Date.now()) !== 'dead');
  }
  leaveBehind()
  assert.is(driver.create(KEY, TEXT), Status.DONE)
  assert.is(driver.load(KEY), TEXT)
  leaveBehind()
  assert.is(driver.walk('sweep').orphans, 1)
  assert.equal(readdirSync(driver.options.directory), [])
})

test('a key that is none of Django fails, and touches nothing', () => {
  const driver = open()
  for (const key of ['../x', 'Abc', '', 'a_b', 'x'.repeat(129)]) {
    const { status, failure } = driver.one({ opcode: Opcode.SAVE, key, text: TEXT })
    assert.is(status, Status.FAILED, key)
    assert.is(failure?.code, 'EINVAL')
  }
  assert.equal(readdirSync(driver.options.directory), [])
})

test.run()
