import {
  closeSync,
  copyFileSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { later } from '../../fixtures/later.js'
import { sealBy, sealKey } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { failing, interleave, killing, refusing } from './cut-points.js'
import type { StorageDriver as Driver } from './storage-driver.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { filesBelow, HOUR, StorageDriver } = await import('./storage-driver.js')
const { composeExpiry, DAMAGED_EXPIRY, EXPIRY_OFFSET, RECORD_HEADER, readHeader, writeChecksum } =
  await import('#dist/workers/record/record.js')
const { Opcode, Status } = await import('#dist/workers/protocol/index.js')
const { sealedWith } = await import('#dist/workers/seal/index.js')

const resealing = suite('sealing anew')

const KEY = 'k'
/** Sessions sealed anew in one slice of a walk. */
const LONGEST_SLICE = 64
const [OLD, NEW, BOTH] = [sealBy(1), sealBy(2), sealBy(2, 1)]

type Options = NonNullable<ConstructorParameters<typeof StorageDriver>[0]>

function drivers(options: Options = {}): { old: Driver; both: Driver; newest: Driver; directory: string } {
  const directory = temporaryDirectory('memory')
  const [old, both, newest] = [OLD, BOTH, NEW].map(
    (seal) => new StorageDriver({ layout: 'flat', ...options, directory, seal }),
  ) as [Driver, Driver, Driver]
  return { old, both, newest, directory }
}

/** Everything of a session's file that is not to change, and which key it was sealed with. */
function recordOf(
  driver: Driver,
  key: string,
): { readonly header: unknown; readonly time: number; readonly key: unknown } {
  const { file } = driver.place(key)
  const bytes = readFileSync(file)
  const header = readHeader(bytes)
  assert.ok(typeof header !== 'string')
  const payloadAt = RECORD_HEADER + (header.keyIncluded ? header.keyLength * 2 : 0)
  return { header, time: lstatSync(file).mtimeMs, key: sealedWith(bytes.subarray(payloadAt)) }
}

resealing('a sweep seals by the newest key what an older one has sealed, and changes nothing else', () => {
  const variants: readonly Options[] = [
    {},
    { hashNames: true },
    { layout: 'sharded', fsync: true },
    { prefix: 'app' },
  ]
  for (const options of variants) {
    const { old, both, newest } = drivers(options)
    const keys = ['k', 'Kelvin', 'K'.repeat(200)]
    for (const [index, key] of keys.entries()) {
      old.one({ opcode: Opcode.SAVE, key, text: key, expiry: Date.now() + HOUR, writeId: [index, 7] })
      if (index > 0) old.update(key, `${key} again`, Date.now() + 2 * HOUR)
      old.touch(key, Date.now() + (index === 1 ? HOUR / 2 : 3 * HOUR))
    }
    both.save('current', 'by the newest')
    const before = keys.map((key) => recordOf(old, key))
    const loads = keys.map((key) => old.one({ opcode: Opcode.LOAD, key }))
    const told = both.walk('reseal')
    assert.equal([told.resealed, told.refused, told.corrupt, told.expired], [keys.length, [], [], 0])
    for (const [index, key] of keys.entries()) {
      const after = recordOf(both, key)
      assert.equal(after, { ...before[index], key: sealKey(2).id })
      const { text, expiry, codec, writeId } = newest.one({ opcode: Opcode.LOAD, key })
      const { corrupt: _none, ...loaded } = loads[index] as (typeof loads)[number]
      assert.equal(
        { text, expiry, codec, writeId },
        { text: loaded.text, expiry: loaded.expiry, codec: loaded.codec, writeId: loaded.writeId },
      )
    }
    assert.is(both.walk('reseal').resealed, 0)
    assert.is(newest.walk('count').live, keys.length + 1)
  }
})

resealing('what is not sealed is, where it is accepted; else it is told of and left', () => {
  const { both, newest, directory } = drivers()
  const plain = new StorageDriver({ layout: 'flat', directory })
  const accepting = new StorageDriver({ layout: 'flat', directory, seal: { ...NEW, acceptUnsealed: true } })
  plain.save(KEY, 'from before')
  assert.match(both.walk('reseal').refused[0]?.reason ?? '', /^not sealed: /)
  assert.is(plain.load(KEY), 'from before')
  assert.is(accepting.walk('reseal').resealed, 1)
  assert.is(newest.load(KEY), 'from before')
})

resealing('what cannot be opened, or is damaged, is told of and stays; what has expired is swept', () => {
  const { old, newest, both } = drivers()
  old.save(KEY, 'text')
  old.save('dead', 'text', Date.now() - 1000)
  const told = newest.walk('reseal')
  assert.equal([told.resealed, told.expired], [0, 1])
  assert.match(told.refused[0]?.reason ?? '', /^sealed by another key/)
  assert.is(old.load(KEY), 'text')
  truncateSync(old.place(KEY).file, RECORD_HEADER + 10)
  assert.match(both.walk('reseal').refused[0]?.reason ?? '', /not as long/)
  assert.is(readdirSync(old.options.directory).length, 1)
})

resealing('a record that says the key of another session is told of, and stays as it is', () => {
  const { old, both } = drivers()
  const [mine, other] = ['m'.repeat(200), 'o'.repeat(200)]
  old.save(mine, 'text')
  const { file } = old.place(mine)
  const bytes = readFileSync(file)
  const sound = Buffer.from(bytes)
  bytes.write(other, RECORD_HEADER, 'utf16le')
  writeChecksum(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
  writeFileSync(file, bytes)
  utimesSync(file, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600)
  const told = both.walk('reseal')
  assert.is(told.resealed, 0)
  assert.match(told.refused[0]?.reason ?? '', /its seal is broken/)
  assert.ok(readFileSync(file).equals(bytes))
  writeFileSync(file, sound)
  assert.is(both.walk('reseal').resealed, 1)
  assert.is(both.load(mine), 'text')
})

resealing('nor is one that is not sealed, though that is accepted, sealed for another session', () => {
  const { newest, directory } = drivers()
  const plain = new StorageDriver({ layout: 'flat', directory })
  const accepting = new StorageDriver({ layout: 'flat', directory, seal: { ...NEW, acceptUnsealed: true } })
  const [mine, other] = ['m'.repeat(200), 'o'.repeat(200)]
  plain.save(other, 'text')
  const { file } = plain.place(mine)
  copyFileSync(plain.place(other).file, file)
  utimesSync(file, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600)
  const before = readFileSync(file)
  const told = accepting.walk('reseal')
  assert.is(told.resealed, 1)
  assert.match(JSON.stringify(told), /the record of another session/)
  assert.ok(readFileSync(file).equals(before))
  assert.equal([newest.load(other), accepting.load(mine)], ['text', undefined])
})

resealing('slices are short, and none is left out', () => {
  const { old, both } = drivers({ layout: 'sharded' })
  for (let index = 0; index < 3 * LONGEST_SLICE; index++) old.save(`session${index}`, 'text')
  const slices = both.slices('reseal').map(({ resealed }) => resealed)
  assert.ok(slices.every((count) => count <= LONGEST_SLICE))
  assert.is(
    slices.reduce((sum, count) => sum + count, 0),
    3 * LONGEST_SLICE,
  )
})

resealing('killed at any moment, it leaves the session to whoever asks next, and no litter', () => {
  const looks: Record<string, (driver: Driver) => void> = {
    load: (driver) => assert.is(driver.load(KEY), 'old'),
    exists: (driver) => assert.is(driver.exists(KEY), true),
    create: (driver) => assert.is(driver.create(KEY, 'new'), Status.CONFLICT),
    update: (driver) => assert.is(driver.update(KEY, 'old', Date.now() + 5 * HOUR), Status.DONE),
    replace: (driver) => assert.is(driver.replace(KEY, 'old', 'old', Date.now() + 5 * HOUR), Status.DONE),
    touch: (driver) => assert.is(driver.touch(KEY, Date.now() + 10 * HOUR), Status.DONE),
    reseal: (driver) => void driver.walk('reseal'),
  }
  const { old, both, directory } = drivers()
  let cuts = 0
  for (const [name, look] of Object.entries(looks)) {
    for (let at = 0; ; at++) {
      for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
      old.save(KEY, 'old', Date.now() + 5 * HOUR)
      if (!killing(() => both.walk('reseal'), at)) break
      cuts++
      later(1000, () => {
        look(both)
        assert.is(both.load(KEY), 'old', `${name} after call ${at}`)
      })
      later(2 * HOUR, () => both.walk('sweep'))
      assert.equal(readdirSync(directory), [KEY], `${name} after call ${at}`)
      assert.is(both.load(KEY), 'old')
    }
  }
  assert.ok(cuts > 150, `${cuts} cuts`)
})

resealing('killed at any moment, it is finished by the next one', () => {
  const { old, both, directory } = drivers()
  for (let at = 0; ; at++) {
    for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
    old.save(KEY, 'old', Date.now() + 5 * HOUR)
    if (!killing(() => both.walk('reseal'), at)) break
    const { refused } = later(1000, () => both.walk('reseal'))
    assert.equal(refused, [], `after call ${at}`)
    assert.is(recordOf(both, KEY).key, sealKey(2).id, `after call ${at}`)
  }
})

resealing('killed at any moment, and deleted then, a session stays deleted', () => {
  const { old, both, directory } = drivers()
  for (let at = 0; ; at++) {
    for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`, { recursive: true })
    old.save(KEY, 'old', Date.now() + 5 * HOUR)
    if (!killing(() => both.walk('reseal'), at)) break
    later(1000, () => both.delete(KEY))
    assert.is(both.load(KEY), undefined)
    later(2 * HOUR, () => both.walk('sweep'))
    assert.equal(readdirSync(directory), [], `after call ${at}`)
  }
})

resealing('killed at any moment, and cleared then, a session stays deleted', () => {
  const variants: readonly Options[] = [{}, { layout: 'sharded' }, { hashNames: true }, { exclusive: true }]
  for (const options of variants) {
    const { old, both } = drivers(options)
    for (let at = 0; ; at++) {
      old.save(KEY, 'old', Date.now() + 5 * HOUR)
      if (!killing(() => both.walk('reseal'), at)) break
      later(1000, () => assert.is(both.walk('clear').live, 1, `after call ${at}`))
      assert.is(both.load(KEY), undefined, `after call ${at}`)
      later(2 * HOUR, () => both.walk('sweep'))
      assert.equal(filesBelow(old.options.directory), [], `after call ${at}`)
      assert.is(both.load(KEY), undefined, `after call ${at}`)
    }
  }
})

resealing(
  'cleared while another process seals it anew, wherever that one ends, a session stays deleted',
  () => {
    const { old, both, directory } = drivers()
    const { now } = Date
    let scenarios = 0
    for (let cut = 0, cuts = 1; cut < cuts; cut++) {
      for (let at = 0, calls = 1; at < calls; at++, scenarios++) {
        for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`, { recursive: true })
        old.save(KEY, 'old', now() + 5 * HOUR)
        const run = (): void => {
          if (killing(() => both.walk('reseal'), cut)) cuts = cut + 2
          Date.now = () => now() + 1000
        }
        try {
          const made = interleave(() => void old.walk('clear'), [{ at, run }])
          calls = Math.max(calls, made)
        } finally {
          Date.now = now
        }
        later(1000, () => assert.is(both.load(KEY), undefined, `cut at ${cut}, cleared around call ${at}`))
        later(2 * HOUR, () => both.walk('sweep'))
        assert.equal(readdirSync(directory), [], `cut at ${cut}, cleared around call ${at}`)
      }
    }
    assert.ok(scenarios > 40, `${scenarios} scenarios`)
  },
)

/** A session whose sealing anew ended with its process, when it had been taken out of its place. */
function leftHeld(driver: Driver): string {
  driver.save(KEY, 'old', Date.now() + 5 * HOUR)
  const { file, held, claim } = driver.place(KEY)
  renameSync(file, held)
  writeFileSync(claim, '')
  return file
}

resealing('what a dead process has left held goes back, whoever else puts it back at the same time', () => {
  const { old, both, directory } = drivers()
  for (let at = 0, calls = 1; at < calls; at++) {
    for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
    leftHeld(old)
    later(1000, () => {
      let told: string | undefined
      const run = (): void => assert.is(old.load(KEY), 'old')
      calls = interleave(() => {
        told = both.load(KEY)
      }, [{ at, run }])
      assert.is(told, 'old', `at ${at}`)
    })
    later(2 * HOUR, () => both.walk('sweep'))
    assert.equal(readdirSync(directory), [KEY], `at ${at}`)
  }
})

resealing('where no link can be made it goes back by its name, but over nothing newer', () => {
  const stuck = (name: string): string | undefined => (name === 'linkSync' ? 'EIO' : undefined)
  const { old, both, directory } = drivers()
  leftHeld(old)
  later(1000, () => {
    assert.is(
      refusing(() => both.load(KEY), stuck),
      'old',
    )
    copyFileSync(old.place(KEY).file, old.place(KEY).held)
    both.save(KEY, 'newer', Date.now() + 5 * HOUR)
    const create = { opcode: Opcode.CREATE, key: KEY, text: 'x' }
    const { status, failure } = refusing(() => both.one(create), stuck)
    assert.equal([status, failure?.code], [Status.FAILED, 'EIO'])
    assert.is(both.load(KEY), 'newer')
    assert.is(both.create(KEY, 'x'), Status.CONFLICT)
    assert.is(both.load(KEY), 'newer')
  })
  later(2 * HOUR, () => both.walk('sweep'))
  assert.equal(readdirSync(directory), [KEY])
})

resealing('a session that goes while it is sealed anew is nothing to tell of, and does not come back', () => {
  const { old, both, directory } = drivers()
  const { file } = old.place(KEY)
  old.save(KEY, 'old', Date.now() + 5 * HOUR)
  let calls = interleave(() => both.walk('reseal'), [])
  for (let at = 0; at < calls; at++) {
    old.save(KEY, 'old', Date.now() + 5 * HOUR)
    let wasThere = false
    const run = (): void => {
      wasThere = readdirSync(directory).includes(KEY)
      rmSync(file, { force: true })
    }
    let told: ReturnType<Driver['walk']> | undefined
    calls = Math.max(
      calls,
      interleave(() => {
        told = both.walk('reseal')
      }, [{ at, run }]),
    )
    assert.equal([told?.corrupt, told?.refused], [[], []], `at ${at}`)
    assert.is(both.load(KEY), wasThere ? undefined : 'old', `at ${at}`)
    rmSync(file, { force: true })
    assert.equal(readdirSync(directory), [], `at ${at}`)
  }
})

resealing('an expiry that a touch has half written at any call is no damage', () => {
  const { old, both } = drivers()
  const { file } = old.place(KEY)
  const expiry = Date.now() + 5 * HOUR
  let resealed = 0
  for (let at = 0, calls = 1; at < calls; at++) {
    old.save(KEY, 'old', expiry)
    // A touch stays with the file that it has opened, wherever that is.
    const descriptor = openSync(file, 'r+')
    const write = (bytes: Uint8Array): void => {
      writeSync(descriptor, bytes, 0, 8, EXPIRY_OFFSET)
      futimesSync(descriptor, expiry / 1000, expiry / 1000)
    }
    const whole = composeExpiry(expiry)
    const half = Uint8Array.from(whole, (byte, index) => (index < 2 ? byte ^ 0xff : byte))
    let told: ReturnType<Driver['walk']> | undefined
    calls = Math.max(
      calls,
      interleave(() => {
        told = both.walk('reseal')
      }, [
        { at, run: () => write(half) },
        { at: at + 1, run: () => write(whole) },
      ]),
    )
    write(whole)
    closeSync(descriptor)
    assert.equal([told?.corrupt, told?.refused], [[], []], `at ${at}`)
    resealed += told?.resealed ?? 0
    assert.is(both.load(KEY), 'old', `at ${at}`)
    rmSync(file)
  }
  assert.ok(resealed > 10, `${resealed} were sealed anew`)
})

resealing('what is larger than any record is told of and stays', () => {
  const { old, both } = drivers()
  old.save(KEY, 'text')
  const { file } = old.place(KEY)
  truncateSync(file, 2 ** 30)
  utimesSync(file, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
  assert.equal(both.walk('reseal').refused, [{ reason: 'larger than any record', keptAs: undefined }])
  assert.is(lstatSync(file).size, 2 ** 30)
})

resealing('what is no session counts as corrupt, and once', () => {
  const { old, both } = drivers()
  for (const [key, expiry] of [
    ['dated', Date.now() + HOUR],
    ['outdated', Date.now() - HOUR],
  ] as const) {
    old.save(key, 'text', expiry)
    const { file } = old.place(key)
    const bytes = readFileSync(file)
    bytes.fill(0xff, EXPIRY_OFFSET, EXPIRY_OFFSET + 8)
    writeFileSync(file, bytes)
    utimesSync(file, expiry / 1000, expiry / 1000)
  }
  const { corrupt, refused, resealed } = both.walk('reseal')
  const damaged = [{ reason: DAMAGED_EXPIRY, keptAs: undefined }]
  // The sweep finds what is past its time, sealing anew what is not.
  assert.equal([corrupt, refused, resealed], [damaged, damaged, 0])
})

resealing('where there is no seal, nothing is sealed anew', () => {
  const driver = new StorageDriver({ layout: 'flat', directory: temporaryDirectory('memory') })
  driver.save(KEY, 'text')
  driver.save('expired', 'text', 1000)
  const before = readFileSync(driver.place(KEY).file)
  const { resealed, expired, corrupt, refused } = driver.walk('reseal')
  assert.equal([resealed, expired, corrupt, refused], [0, 1, [], []])
  assert.ok(readFileSync(driver.place(KEY).file).equals(before))
})

resealing('whichever call fails, the session can be read, and the next sweep leaves no litter', () => {
  const { old, both, directory } = drivers({ fsync: true })
  let failures = 0
  for (const code of ['EIO', 'ENOSPC'] as const) {
    for (let at = 0; ; at++) {
      for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
      old.save(KEY, 'old', Date.now() + 5 * HOUR)
      let told: unknown
      const task = (): void => {
        try {
          told = both.walk('reseal')
        } catch (error) {
          // The directory itself could not be read.
          told = error
        }
      }
      if (failing(task, at, code) === undefined) break
      failures++
      assert.ok(told !== undefined)
      later(1000, () => assert.is(both.load(KEY), 'old', `${code} at call ${at}`))
      later(2 * HOUR, () => both.walk('sweep'))
      assert.equal(readdirSync(directory), [KEY], `${code} at call ${at}`)
      assert.is(both.walk('reseal').refused.length, 0)
      assert.is(recordOf(both, KEY).key, sealKey(2).id)
    }
  }
  assert.ok(failures > 40, `${failures} failures`)
})

resealing(
  'behind a journal, where nobody else writes, a session that is deleted meanwhile stays deleted',
  () => {
    const { old, both, directory } = drivers({ exclusive: true })
    const { now } = Date
    let scenarios = 0
    for (let cut = 0, cuts = 1; cut < cuts; cut++) {
      for (let at = 0, calls = 1; at < calls; at++, scenarios++) {
        for (const left of readdirSync(directory)) rmSync(`${directory}/${left}`)
        old.save(KEY, 'old', now() + 5 * HOUR)
        // It comes as far as this, and no further, while the delete is under way.
        const run = (): void => {
          if (killing(() => both.walk('reseal'), cut)) cuts = cut + 2
          Date.now = () => now() + 1000
        }
        let told: number | undefined
        try {
          calls = Math.max(
            calls,
            interleave(() => {
              told = old.delete(KEY)
            }, [{ at, run }]),
          )
        } finally {
          Date.now = now
        }
        assert.is(told, Status.DONE)
        later(1000, () => assert.is(both.load(KEY), undefined, `cut at ${cut}, deleted around call ${at}`))
        later(2 * HOUR, () => both.walk('sweep'))
        assert.equal(readdirSync(directory), [])
      }
    }
    assert.ok(scenarios > 40, `${scenarios} scenarios`)
  },
)

resealing.run()
