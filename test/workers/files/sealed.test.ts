import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, Opcode, RequestWriter, Status } from '#dist/workers/protocol/index.js'
import { RECORD_HEADER, writeChecksum } from '#dist/workers/record/record.js'
import { SEALED, TAMPERED, UNKNOWN_KEY, UNSEALED } from '#dist/workers/record/seal-reasons.js'
import { SEAL_BYTES, type SealBinding } from '#dist/workers/seal/index.js'
import { budget } from '../../budget.js'
import { sealBy } from '../../fixtures/seal-keys.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { filesBelow, HOUR, StorageDriver } from './storage-driver.js'

const sealed = suite('sealed records in files')

const TEXT = 'nobody but its owner is to read this text'

/** Drivers of one directory: each a process with other keys, or none. */
function processes<Name extends string>(
  seals: Record<Name, SealBinding | undefined>,
  options: ConstructorParameters<typeof StorageDriver>[0] = {},
): Record<Name, StorageDriver> & { readonly directory: string } {
  const directory = temporaryDirectory('memory')
  const entries = Object.entries<SealBinding | undefined>(seals).map(([name, seal]) => [
    name,
    new StorageDriver({ layout: 'flat', ...options, directory, ...(seal === undefined ? {} : { seal }) }),
  ])
  return { ...(Object.fromEntries(entries) as Record<Name, StorageDriver>), directory }
}

function bytesOf(directory: string): Buffer {
  return Buffer.concat(filesBelow(directory).map((name) => readFileSync(`${directory}/${name}`)))
}

/** Loads nothing, and says why; whether the file was moved aside. */
function refusal(driver: StorageDriver, key: string): { reason: string | undefined; moved: boolean } {
  const { status, text, corrupt } = driver.one({ opcode: Opcode.LOAD, key })
  assert.is(status, Status.ABSENT)
  assert.is(text, undefined)
  assert.ok(corrupt.length <= 1)
  return { reason: corrupt[0]?.reason, moved: corrupt[0]?.keptAs !== undefined }
}

sealed('any session, under any key, comes back as it was', () => {
  const text = fc.string({ maxLength: 400, unit: 'binary' })
  const key = fc
    .string({ minLength: 1, maxLength: 256, unit: 'binary' })
    .filter(({ length }) => length <= 256)
  for (const hashNames of [false, true]) {
    const { one, other } = processes({ one: sealBy(2, 1), other: sealBy(1, 2) }, { hashNames })
    fc.assert(
      fc.property(key, text, fc.constantFrom('save', 'create', 'update'), (name, content, operation) => {
        if (operation === 'update') one.save(name, 'before')
        else one.delete(name)
        assert.is(one[operation as 'save'](name, content), Status.DONE)
        for (const driver of [one, other]) assert.is(driver.load(name), content)
      }),
      { numRuns: budget({ usual: 30, full: 2000 }) },
    )
  }
})

sealed('nothing of a session is in any file, whatever was done with it', () => {
  const { one, directory } = processes({ one: sealBy(1) })
  const long = 'K'.repeat(200)
  for (const key of ['k', long]) {
    one.create(key, `${TEXT} 1`)
    one.update(key, `${TEXT} 2`)
    one.replace(key, `${TEXT} 3`, `${TEXT} 2`)
    one.touch(key, Date.now() + 2 * HOUR)
    assert.is(one.load(key), `${TEXT} 3`)
  }
  assert.not.ok(bytesOf(directory).includes(TEXT.slice(0, 6)))
  // What would be seen if it were.
  const { plain, directory: open } = processes({ plain: undefined })
  plain.save('k', TEXT)
  assert.ok(bytesOf(open).includes(TEXT))
})

sealed('a seal adds 44 bytes, and the largest session still fits', () => {
  const { one, plain } = processes({ one: sealBy(1), plain: undefined }, { maxRecordBytes: 1000 })
  one.save('k', 'x'.repeat(1000))
  const { file } = one.place('k')
  assert.is(readFileSync(file).length, RECORD_HEADER + 1000 + SEAL_BYTES)
  assert.is(SEAL_BYTES, 44)
  assert.is(one.load('k')?.length, 1000)
  // Nor is it too large for whoever cannot open it.
  assert.equal(refusal(plain, 'k'), { reason: SEALED, moved: false })
})

sealed('a record that was copied to the file of another key does not open there', () => {
  for (const key of ['l', 'longer', 'L'.repeat(200)]) {
    const { one } = processes({ one: sealBy(1) })
    one.save('k', TEXT)
    const length = one.place('k').file.length
    const { file } = one.place(key)
    writeFileSync(file, readFileSync(one.place('k').file))
    const { reason, moved } = refusal(one, key)
    // A key of another length shows in the header: it is taken for the session of another prefix.
    if (file.length === length) assert.equal([reason, moved], [TAMPERED, true])
    else assert.equal([reason, moved], [undefined, false])
    assert.is(one.load('k'), TEXT)
  }
})

sealed('the record of another long key does not open, whichever key it says it is of', () => {
  const [mine, other] = ['m'.repeat(200), 'o'.repeat(200)]
  const { one } = processes({ one: sealBy(1) })
  one.save(other, TEXT)
  const bytes = readFileSync(one.place(other).file)
  const { file } = one.place(mine)
  writeFileSync(file, bytes)
  assert.is(one.load(mine), undefined)
  bytes.write(mine, RECORD_HEADER, 'utf16le')
  fixChecksum(bytes)
  writeFileSync(file, bytes)
  assert.equal(refusal(one, mine), { reason: TAMPERED, moved: true })
})

sealed('with any bit of it changed, and the checksum made right again, a record does not open', () => {
  const { one } = processes({ one: sealBy(1) })
  one.save('k', TEXT)
  const { file } = one.place('k')
  const original = readFileSync(file)
  const change = (bit: number): void => {
    const at = bit >>> 3
    const bytes = Buffer.from(original)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
    fixChecksum(bytes)
    writeFileSync(file, bytes)
    utimesSync(file, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
    // The checksum was made right; the expiry alone is not sealed, but has a check of its own.
    if (at >= 4 && at < 8) return assert.is(one.load('k'), TEXT)
    assert.is(one.load('k'), undefined, `bit ${bit}`)
  }
  // One bit of each byte, another one in each; or all of them.
  for (let bit = 0; bit < RECORD_HEADER * 8; bit += budget({ usual: 9, full: 1 })) change(bit)
  fc.assert(fc.property(fc.integer({ min: RECORD_HEADER * 8, max: original.length * 8 - 1 }), change), {
    numRuns: budget({ usual: 60, full: 5000 }),
  })
  writeFileSync(file, original)
  assert.is(one.load('k'), TEXT)
})

sealed('a damaged record is nobody else’s: it takes the place, until it is loaded and moved aside', () => {
  const { one } = processes({ one: sealBy(1) })
  one.save('k', TEXT)
  const { file } = one.place('k')
  for (const damaged of ['no record', 'no record, but as long as the header of one would be']) {
    writeFileSync(file, damaged)
    utimesSync(file, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
    assert.ok(one.exists('k'))
    assert.is(one.create('k', 'new'), Status.CONFLICT)
    assert.ok(refusal(one, 'k').moved)
    assert.is(one.create('k', 'new'), Status.DONE)
  }
})

sealed('what a touch changes in place does not break a seal', () => {
  const { one } = processes({ one: sealBy(1) })
  one.save('k', TEXT, Date.now() + 3 * HOUR)
  const written = readFileSync(one.place('k').file)
  for (const hours of [5, 1, 2]) {
    const expiry = Date.now() + hours * HOUR
    assert.is(one.touch('k', expiry), Status.DONE)
    const found = one.one({ opcode: Opcode.LOAD, key: 'k' })
    assert.equal([found.text, Math.round(found.expiry ?? 0)], [TEXT, expiry])
  }
  // To shorten a life the header was written to.
  assert.not.equal(readFileSync(one.place('k').file), written)
})

const strangers = {
  'another key': [sealBy(2), sealBy(1), UNKNOWN_KEY],
  'no seal': [undefined, sealBy(1), SEALED],
  'a seal, over a session from before it,': [sealBy(2), undefined, UNSEALED],
} as const

for (const [name, [seal, ownersSeal, reason]] of Object.entries(strangers)) {
  sealed(`a process with ${name} leaves everything in its place`, () => {
    const { owner, stranger, directory } = processes({ owner: ownersSeal, stranger: seal })
    const keys = ['k', 'K'.repeat(200)]
    for (const key of keys) owner.save(key, TEXT)
    const before = readdirSync(directory)
    for (const key of keys) {
      assert.equal(refusal(stranger, key), { reason, moved: false })
      assert.is(stranger.create(key, 'mine'), Status.CONFLICT)
      assert.is(stranger.replace(key, 'mine', TEXT), Status.ABSENT)
      if (seal !== undefined) {
        assert.is(stranger.exists(key), false)
        assert.is(stranger.update(key, 'mine'), Status.ABSENT)
      }
    }
    for (const kind of ['sweep', 'reseal', 'keys', 'count'] as const) stranger.walk(kind)
    assert.equal(readdirSync(directory), before)
    // With the right keys all of it is there again.
    for (const key of keys) assert.is(owner.load(key), TEXT)
    assert.is(owner.update('k', 'newer'), Status.DONE)
    // A save is meant to replace whatever there is, a delete to end it.
    assert.is(stranger.save('k', 'mine'), Status.DONE)
    assert.is(stranger.load('k'), 'mine')
    assert.is(stranger.delete(keys[1] as string), Status.DONE)
    assert.is(owner.load(keys[1] as string), undefined)
  })

  sealed(`a process with ${name} still sweeps what has expired`, () => {
    const { owner, stranger } = processes({ owner: ownersSeal, stranger: seal })
    owner.save('dead', TEXT, Date.now() - 1000)
    owner.save('live', TEXT)
    const { expired, corrupt } = stranger.walk('sweep')
    assert.equal([expired, corrupt], [1, []])
    owner.save('dead', TEXT, Date.now() - 1000)
    assert.is(stranger.create('dead', 'mine'), Status.DONE)
    assert.is(owner.load('live'), TEXT)
  })
}

sealed('old keys open, the newest seals; a key that is gone opens nothing', () => {
  const { first, second, third } = processes({
    first: sealBy(1),
    second: sealBy(2, 1),
    third: sealBy(3, 2),
  })
  first.save('k', 'by the first')
  first.save('l', 'by the first')
  assert.is(second.load('k'), 'by the first')
  assert.is(second.update('k', 'by the second'), Status.DONE)
  assert.equal(refusal(first, 'k'), { reason: UNKNOWN_KEY, moved: false })
  assert.is(third.load('k'), 'by the second')
  assert.equal(refusal(third, 'l'), { reason: UNKNOWN_KEY, moved: false })
})

sealed('with acceptUnsealed, sessions from before are read, replaced and sealed', () => {
  const { plain, accepting, strict } = processes({
    plain: undefined,
    accepting: { ...sealBy(1), acceptUnsealed: true },
    strict: sealBy(1),
  })
  for (const key of ['k', 'l']) plain.save(key, 'from before')
  assert.is(accepting.load('k'), 'from before')
  assert.is(accepting.exists('k'), true)
  assert.is(accepting.replace('k', 'sealed', 'from before'), Status.DONE)
  assert.is(accepting.update('l', 'sealed'), Status.DONE)
  for (const key of ['k', 'l']) assert.is(strict.load(key), 'sealed')
})

sealed('a create that is tried again recognises its own sealed record', () => {
  const { one } = processes({ one: sealBy(1) })
  const step = { opcode: Opcode.CREATE, key: 'k', text: TEXT }
  const nonce = [1, 2] as const
  assert.is(one.apply([step], 0, nonce).outcomes[0]?.status, Status.DONE)
  assert.is(one.apply([step], 1, nonce).outcomes[0]?.status, Status.DONE)
  assert.is(one.apply([step], 1, [1, 3]).outcomes[0]?.status, Status.CONFLICT)
})

sealed('the session of another prefix is nothing to tell of, whoever has sealed it', () => {
  const directory = temporaryDirectory('memory')
  const [app, app2] = ['app', 'app2'].map(
    (prefix, index) => new StorageDriver({ layout: 'flat', directory, prefix, seal: sealBy(index + 1) }),
  ) as [StorageDriver, StorageDriver]
  app2.save('x', TEXT)
  assert.equal(refusal(app, '2x'), { reason: undefined, moved: false })
  assert.equal(app.walk('reseal').corrupt, [])
  assert.is(app2.load('x'), TEXT)
})

sealed('the bytes of a batch stay as they are, for loads that are answered from them', () => {
  const { one } = processes({ one: sealBy(1) })
  for (const key of ['k', 'K'.repeat(200)]) {
    const writer = new RequestWriter(1024)
    const payload = Buffer.from(TEXT)
    writer.append({ opcode: Opcode.SAVE, key, hash: keyHash(key), expiry: 2e12, codec: 7, payload })
    const wire = writer.toWire(0, [1, 2])
    const before = Buffer.from(wire.slice(0))
    assert.is(one.storage.apply(wire), null)
    assert.ok(Buffer.from(wire).equals(before))
  }
})

function fixChecksum(bytes: Buffer): void {
  writeChecksum(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
}

sealed.run()
