import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CLAIM_LIFE, underClaim } from '#dist/workers/files/claim.js'
import { peekHeader } from '#dist/workers/files/peek.js'
import { enter } from '#dist/workers/files/save-protocol.js'
import { writeFully } from '#dist/workers/files/write-fully.js'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { filesBelow, HOUR, randomNonce, StorageDriver } from './storage-driver.js'

const protocol = suite('save protocol')

const KEY = 'k2'

for (const fsync of [false, true]) {
  const what = fsync ? 'with fsync' : 'without fsync'

  protocol(`each operation does what it says, ${what}`, () => {
    const driver = new StorageDriver({ fsync })
    assert.is(driver.load(KEY), undefined)
    assert.is(driver.update(KEY, 'one'), Status.ABSENT)
    assert.is(driver.touch(KEY, Date.now() + HOUR), Status.ABSENT)
    assert.is(driver.delete(KEY), Status.DONE)
    assert.is(driver.create(KEY, 'one'), Status.DONE)
    assert.is(driver.create(KEY, 'two'), Status.CONFLICT)
    assert.is(driver.load(KEY), 'one')
    assert.is(driver.update(KEY, 'three'), Status.DONE)
    assert.is(driver.load(KEY), 'three')
    assert.is(driver.save(KEY, 'four'), Status.DONE)
    assert.is(driver.load(KEY), 'four')
    assert.ok(driver.exists(KEY))
    assert.is(driver.delete(KEY), Status.DONE)
    assert.not.ok(driver.exists(KEY))
    assert.is(driver.update(KEY, 'five'), Status.ABSENT)
    assert.is(driver.load(KEY), undefined)
    assert.is(driver.save(KEY, 'six'), Status.DONE)
    assert.is(driver.load(KEY), 'six')
  })

  protocol(`a batch gives every slot its own outcome, ${what}`, () => {
    const driver = new StorageDriver({ fsync, layout: 'flat' })
    driver.save('there', 'old')
    const { outcomes } = driver.apply([
      { opcode: Opcode.CREATE, key: 'there', text: 'x' },
      { opcode: Opcode.UPDATE, key: 'absent', text: 'x' },
      { opcode: Opcode.VOID, key: 'void' },
      { opcode: Opcode.SAVE, key: 'saved', text: 'y' },
      { opcode: Opcode.EXISTS, key: 'absent too' },
      { opcode: 99 as Opcode, key: 'unknown' },
      { opcode: Opcode.DELETE, key: 'never was' },
      // More than are synced together.
      ...Array.from({ length: 150 }, (_, index) => ({
        opcode: Opcode.SAVE,
        key: `s${index}`,
        text: `t${index}`,
      })),
    ])
    const { CONFLICT, ABSENT, DONE, FAILED } = Status
    assert.equal(
      outcomes.slice(0, 7).map(({ status }) => status),
      [CONFLICT, ABSENT, DONE, DONE, ABSENT, FAILED, DONE],
    )
    assert.ok(outcomes.slice(7).every(({ status }) => status === DONE))
    assert.is(driver.load('there'), 'old')
    for (let index = 0; index < 150; index++) assert.is(driver.load(`s${index}`), `t${index}`)
    assert.ok(readdirSync(driver.options.directory).every((name) => !name.endsWith('.tmp')))
  })
}

protocol('files are for this user alone, and so are directories', () => {
  const previous = process.umask(0)
  try {
    const directory = `${temporaryDirectory()}/new`
    const driver = new StorageDriver({ directory, fsync: true })
    driver.create('created', 'x')
    driver.save('saved', 'x')
    driver.update('saved', 'y')
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    assert.is(mode(directory), '700')
    for (const key of ['created', 'saved']) {
      assert.is(mode(driver.place(key).directory), '700')
      assert.is(mode(driver.place(key).file), '600')
    }
  } finally {
    process.umask(previous)
  }
})

protocol('nothing but the session is left after any operation', () => {
  const driver = new StorageDriver()
  driver.create(KEY, 'x')
  driver.create(KEY, 'y')
  driver.update(KEY, 'z')
  driver.update('absent', 'z')
  driver.save(KEY, 'w')
  driver.save(KEY, 'expired', Date.now() - 1)
  driver.create(KEY, 'again')
  assert.equal(filesBelow(driver.options.directory), [
    driver.place(KEY).file.slice(driver.options.directory.length + 1),
  ])
})

protocol('what was saved comes back: payload, expiry, codec, and keys of every kind', () => {
  for (const options of [{}, { layout: 'flat', prefix: 'app' }, { hashNames: true }] as const) {
    const driver = new StorageDriver(options)
    const key = fc.oneof(
      fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }),
      fc.constantFrom(
        '../x',
        '/etc/passwd',
        'a\0b',
        'CON',
        'con',
        '\ud83e',
        'k'.repeat(256),
        '\uffff'.repeat(256),
      ),
    )
    fc.assert(
      fc.property(
        key,
        fc.string({ maxLength: 200 }),
        fc.integer({ min: 1, max: 1e9 }),
        fc.nat(),
        (key, text, life, codec) => {
          const expiry = Date.now() + HOUR + life
          assert.is(driver.one({ opcode: Opcode.SAVE, key, text, expiry, codec }).status, Status.DONE)
          const found = driver.one({ opcode: Opcode.LOAD, key })
          assert.is(found.text, text)
          assert.is(found.codec, codec)
          assert.ok(Math.abs((found.expiry ?? 0) - expiry) < 1)
          assert.is(driver.delete(key), Status.DONE)
        },
      ),
      { numRuns: 60 },
    )
  }
})

protocol('a session that has expired is gone for everybody, and in nobody’s way', () => {
  const driver = new StorageDriver()
  const past = Date.now() - 1000
  for (const opcode of [Opcode.UPDATE, Opcode.TOUCH, Opcode.LOAD, Opcode.EXISTS]) {
    driver.save(KEY, 'expired', past)
    const step = { opcode, key: KEY, expiry: Date.now() + HOUR }
    const outcome = driver.one(opcode === Opcode.UPDATE ? { ...step, text: 'x' } : step)
    assert.is(outcome.status, Status.ABSENT, `opcode ${opcode}`)
  }
  assert.is(driver.create(KEY, 'new'), Status.DONE)
  assert.is(driver.load(KEY), 'new')
  driver.save(KEY, 'expired', past)
  assert.is(driver.save(KEY, 'newer'), Status.DONE)
  assert.is(driver.load(KEY), 'newer')
})

protocol('an empty file is no session and does not block a create', () => {
  const driver = new StorageDriver()
  driver.save(KEY, 'x')
  writeFileSync(driver.place(KEY).file, '')
  utimesSync(driver.place(KEY).file, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600)
  assert.is(driver.load(KEY), undefined)
  assert.not.ok(driver.exists(KEY))
  assert.is(driver.update(KEY, 'y'), Status.ABSENT)
  assert.is(driver.create(KEY, 'z'), Status.DONE)
  assert.is(driver.load(KEY), 'z')
})

protocol('a create that is tried again knows the record of its first attempt, and no other', () => {
  const driver = new StorageDriver()
  const nonce = randomNonce()
  const steps = [
    { opcode: Opcode.CREATE, key: 'first', text: 'a' },
    { opcode: Opcode.CREATE, key: 'second', text: 'b' },
  ]
  driver.apply(steps.slice(0, 1), 0, nonce)
  driver.create('second', 'of somebody else')
  const again = driver.apply(steps, 1, nonce).outcomes.map(({ status }) => status)
  assert.equal(again, [Status.DONE, Status.CONFLICT])
  assert.is(driver.load('second'), 'of somebody else')
  // The same ids on a first attempt would be another batch that happens to have them: nothing is its own yet.
  assert.is(driver.apply(steps.slice(0, 1), 0, nonce).outcomes[0]?.status, Status.CONFLICT)
})

protocol('short writes are continued, byte by byte if it must be', () => {
  const bytes = Buffer.from('0123456789abcdef')
  fc.assert(
    fc.property(
      fc.nat({ max: 16 }),
      fc.nat({ max: 16 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
      (one, other, counts) => {
        const [start, end] = one < other ? [one, other] : [other, one]
        let written = ''
        writeFully(0, bytes, { start, end, position: 7 }, (_, from, offset, length, position) => {
          assert.is(position, 7 + written.length)
          const count = Math.min(length, counts.next().value as number)
          written += Buffer.from(from).toString('latin1', offset, offset + count)
          return count
        })
        assert.is(written, bytes.toString('latin1', start, end))
      },
    ),
  )
})

protocol('a write that makes no progress is an error', () => {
  let calls = 0
  const stuck = () => (++calls === 1 ? 3 : 0)
  assert.throws(
    () => writeFully(0, Buffer.alloc(8), { start: 0, end: 8, position: 0 }, stuck),
    /EIO: the disk takes no more bytes, write/,
  )
  assert.is(calls, 2)
})

function noHardLinks(): never {
  throw Object.assign(new Error('no hard links here'), { code: 'EPERM' })
}

protocol('without hard links a create goes under its claim, and is as exclusive', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place(KEY)
  const temporary = `${driver.options.directory}/t`
  const attempt = () => {
    driver.save('m2', 'made by hand')
    renameSync(driver.place('m2').file, temporary)
    return enter(temporary, place, noHardLinks)
  }
  assert.ok(attempt(), 'where there is nothing')
  assert.is(driver.load(KEY), 'made by hand')
  driver.update(KEY, 'alive')
  assert.not.ok(attempt(), 'where a session lives')
  assert.is(driver.load(KEY), 'alive')
  driver.save(KEY, 'expired', 1)
  assert.ok(attempt(), 'where an expired one lies')
  assert.is(driver.load(KEY), 'made by hand')
  driver.save(KEY, 'expired', 1)
  assert.is(underClaim(place, attempt), false, 'while another holds the claim')
  driver.delete(KEY)
  assert.not.ok(attempt(), 'where a tombstone is')
  rmdirSync(place.file)
  mkdirSync(place.file)
  assert.not.ok(attempt(), 'where a directory is')
  assert.not.ok(existsSync(place.claim))
})

protocol('a claim is given back, also when its task fails, and one that a crash left is taken over', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place(KEY)
  assert.is(
    underClaim(place, () => underClaim(place, () => 'both')),
    undefined,
  )
  assert.throws(() => underClaim(place, () => JSON.parse('{')), SyntaxError)
  assert.is(
    underClaim(place, () => 'free'),
    'free',
  )
  closeSync(openSync(place.claim, 'w'))
  driver.save(KEY, 'expired', 1)
  assert.is(driver.create(KEY, 'after the crash'), Status.DONE)
  assert.ok(Date.now() - statSync(place.file).ctimeMs < 2 * CLAIM_LIFE)
  assert.is(driver.load(KEY), 'after the crash')
  assert.equal(filesBelow(driver.options.directory), [KEY])
})

/** How often a task lets its thread sleep. */
function waitsOf(task: () => void): number {
  const { wait } = Atomics
  let waits = 0
  Atomics.wait = ((...values: Parameters<typeof wait>) => {
    waits++
    return wait(...values)
  }) as typeof wait
  try {
    task()
  } finally {
    Atomics.wait = wait
  }
  return waits
}

protocol('a claim that a crash left delays one look, not every look', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place(KEY)
  closeSync(openSync(place.claim, 'w'))
  assert.ok(waitsOf(() => assert.is(driver.load(KEY), undefined)) > 0)
  assert.is(
    waitsOf(() => assert.is(driver.load(KEY), undefined)),
    0,
  )
})

protocol('a save waits for the claim on what stands in its place, and tells of it once', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place(KEY)
  mkdirSync(place.file)
  closeSync(openSync(place.claim, 'w'))
  assert.is(driver.save(KEY, 'new'), Status.DONE)
  assert.is(driver.load(KEY), 'new')
  const kept = driver.notices.filter(({ keptAs }) => keptAs !== undefined)
  assert.is(kept.length, 1)
  assert.ok(driver.notices.length <= 2)
})

protocol('the record on disk holds what the batch said', () => {
  const driver = new StorageDriver()
  driver.apply([{ opcode: Opcode.SAVE, key: 'Key', text: 'text', expiry: 2e12, codec: 9 }], 0, [11, 22])
  const place = driver.place('Key')
  const peeked = peekHeader(place.file)
  assert.equal(peeked, {
    header: {
      keyLength: 3,
      payloadLength: 4,
      expiry: 2e12,
      writeId: [11, 22],
      codec: 9,
      keyIncluded: false,
      writtenByUpdate: false,
      sealed: false,
    },
    expiry: 2e12,
  })
  assert.is(lstatSync(place.file).mtimeMs, 2e12)
  assert.is(readFileSync(place.file).subarray(40).toString(), 'text')
})

protocol.run()
