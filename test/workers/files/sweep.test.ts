import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CLAIM_LIFE } from '#dist/workers/files/claim.js'
import { removeIfMeant } from '#dist/workers/files/removal.js'
import { TOMBSTONE_LIFE } from '#dist/workers/files/tombstones.js'
import { Status } from '#dist/workers/protocol/index.js'
import { RECORD_HEADER } from '#dist/workers/record/record.js'
import { later } from '../../fixtures/later.js'
import { filesBelow, HOUR, StorageDriver } from './storage-driver.js'

const sweeping = suite('walks')

for (const layout of ['flat', 'sharded'] as const) {
  sweeping(`the sweep removes what has expired and nothing else (${layout})`, () => {
    const driver = new StorageDriver({ layout, prefix: 'app' })
    for (let index = 0; index < 60; index++)
      driver.save(`k${index}`, 'x', Date.now() + (index % 3 === 0 ? -1000 : HOUR))
    const touched = 'k1'
    driver.save(touched, 'x', Date.now() - 1000)
    driver.save('K3', 'upper twin')
    const result = driver.walk('sweep')
    assert.equal([result.expired, result.orphans, result.corrupt.length, result.scanned], [21, 0, 0, 61])
    const keys = driver.walk('keys').keys.sort()
    assert.equal(keys.length, 40)
    assert.ok(keys.every((key) => driver.load(key) !== undefined))
    assert.is(driver.walk('count').live, 40)
    assert.is(driver.walk('sweep').expired, 0)
  })
}

sweeping('keys of every kind are listed as they were given', () => {
  for (const layout of ['flat', 'sharded'] as const) {
    const driver = new StorageDriver({ layout, prefix: 'app-' })
    const keys = [
      'a',
      'A',
      '../x',
      'con',
      '\ud83e',
      'k'.repeat(256),
      'é'.repeat(100),
      '~x',
      '.',
      'a\0',
    ].sort()
    for (const key of keys) driver.save(key, key)
    assert.equal(driver.walk('keys').keys.sort(), keys)
    assert.is(driver.walk('clear').live, keys.length)
    assert.equal(driver.walk('keys').keys, [])
  }
})

sweeping('a damaged record tells no key, though its header says that there is one in it', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  for (const letter of ['a', 'b']) driver.save(letter.repeat(200), 'text')
  const { file } = driver.place('a'.repeat(200))
  const bytes = readFileSync(file)
  bytes.writeUInt8(0x62, RECORD_HEADER)
  writeFileSync(file, bytes)
  utimesSync(file, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
  assert.equal(driver.walk('keys').keys, ['b'.repeat(200)])
})

sweeping('hashed names count and clear, but tell no key', () => {
  const driver = new StorageDriver({ hashNames: true })
  driver.save('secret', 'x')
  assert.ok(filesBelow(driver.options.directory).every((name) => !name.includes('secret')))
  assert.equal(driver.walk('keys').keys, [])
  assert.is(driver.walk('count').live, 1)
  driver.save('expired', 'x', 1000)
  assert.is(driver.walk('sweep').expired, 1)
  assert.is(driver.walk('clear').live, 1)
})

sweeping('a session that is renewed while the sweep looks is put back, a still newer one stays', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  const place = driver.place('k')
  driver.save('k', 'expired', 1000)
  let looks = 0
  const renewedMeanwhile = () => {
    // The first look is at the public name; then it is taken, and looked at again.
    if (++looks === 1) driver.save('k', 'renewed')
    return looks === 1
  }
  assert.not.ok(removeIfMeant(place, renewedMeanwhile))
  assert.is(driver.load('k'), 'renewed')
  looks = 0
  const renewedAgain = () => {
    if (++looks === 2) driver.save('k', 'newer still')
    return looks === 1
  }
  assert.not.ok(removeIfMeant(place, renewedAgain))
  assert.is(driver.load('k'), 'newer still')
  assert.equal(filesBelow(driver.options.directory), ['k'])
  const failing = () => {
    if (++looks === 4) throw new Error('cannot look')
    return true
  }
  assert.throws(() => removeIfMeant(place, failing), /cannot look/)
  assert.is(driver.load('k'), 'newer still')
  assert.not.ok(removeIfMeant(driver.place('absent'), () => true))
  assert.equal(filesBelow(driver.options.directory), ['k'])
})

sweeping('what a crash left is collected when its time has come, and not before', () => {
  const driver = new StorageDriver({ layout: 'flat', prefix: 'app', orphanGrace: HOUR })
  const { directory } = driver.options
  const token = 'a'.repeat(24)
  driver.save('alive', 'x')
  writeFileSync(`${directory}/.${token}-0.tmp`, 'half a rec')
  mkdirSync(`${directory}/appgone`, { mode: 0o1700 })
  writeFileSync(`${directory}/.appclaimed.claim`, '')
  writeFileSync(`${directory}/appempty`, '')
  driver.save('expired', 'x', 1000)
  renameSync(driver.place('expired').file, `${directory}/.appexpired.taken-${token}-1`)
  const kept = [`.appk.corrupt-${token}-2`, '.hidden', 'README', 'other', 'app.x']
  for (const name of kept) writeFileSync(`${directory}/${name}`, 'x')
  const before = filesBelow(directory)
  assert.is(driver.walk('sweep').orphans, 0)
  assert.equal(filesBelow(directory), before)
  assert.is(later(CLAIM_LIFE + 100, () => driver.walk('sweep')).orphans, 1)
  assert.is(later(TOMBSTONE_LIFE + 100, () => driver.walk('sweep')).orphans, 1)
  const { orphans, corrupt } = later(HOUR - 60_000, () => driver.walk('sweep'))
  assert.equal([orphans, corrupt.length], [0, 0])
  driver.save('alive', 'x', Date.now() + 3 * HOUR)
  assert.is(later(HOUR + 60_000, () => driver.walk('sweep')).orphans, 3)
  assert.equal(filesBelow(directory), [...kept, 'appalive'].sort())
})

sweeping('a live session that a dying process had taken is put back', () => {
  const driver = new StorageDriver({ layout: 'flat', orphanGrace: 0 })
  const { directory } = driver.options
  const taken = `${directory}/.k.taken-${'a'.repeat(24)}-1`
  driver.save('k', 'x')
  renameSync(driver.place('k').file, taken)
  assert.is(driver.load('k'), undefined)
  assert.is(driver.walk('sweep').orphans, 1)
  assert.is(driver.load('k'), 'x')
  linkSync(driver.place('k').file, taken)
  driver.save('k', 'newer')
  assert.is(driver.walk('sweep').orphans, 1)
  assert.is(driver.load('k'), 'newer')
  assert.equal(filesBelow(directory), ['k'])
})

sweeping('a clear takes with it what a dying process had taken, and nothing of others', () => {
  const taken = (driver: StorageDriver, key: string): string => {
    const { file } = driver.place(key)
    const aside = driver.place(key).beside(`taken-${'1'.repeat(24)}-1`)
    renameSync(file, aside)
    return aside
  }
  const driver = new StorageDriver({ layout: 'flat', prefix: 'app', orphanGrace: 0 })
  const { directory } = driver.options
  const other = new StorageDriver({ layout: 'flat', prefix: 'app2', orphanGrace: 0, directory })
  const keys = ['dead', 'claimed', 'newer', 'expired']
  for (const key of keys) {
    driver.save(key, 'x', Date.now() + (key === 'expired' ? -HOUR : HOUR))
    taken(driver, key)
  }
  writeFileSync(driver.place('claimed').claim, '')
  driver.save('newer', 'newer')
  other.save('x', 'of app2')
  taken(other, 'x')
  writeFileSync(`${directory}/.appempty.taken-${'a'.repeat(24)}-1`, '')
  writeFileSync(driver.place('nothing').claim, '')
  later(CLAIM_LIFE + 100, () => assert.is(driver.walk('clear').live, keys.length))
  for (const sweeper of [driver, other]) later(TOMBSTONE_LIFE + 100, () => sweeper.walk('sweep'))
  for (const key of keys) assert.is(driver.load(key), undefined, key)
  assert.is(other.load('x'), 'of app2')
  assert.equal(filesBelow(directory), ['app2x'])
})

sweeping('an application’s sessions are its own: neither seen, counted, swept nor cleared by another', () => {
  const app = new StorageDriver({ layout: 'flat', prefix: 'app' })
  const app2 = new StorageDriver({ layout: 'flat', prefix: 'app2', directory: app.options.directory })
  const none = new StorageDriver({ layout: 'flat', prefix: '', directory: app.options.directory })
  app.save('x', 'of app')
  app2.save('x', 'of app2')
  assert.is(app.load('2x'), undefined)
  assert.is(none.load('appx'), undefined)
  assert.is(app2.load('x'), 'of app2')
  for (const [driver, keys] of [
    [app, ['x']],
    [app2, ['x']],
    [none, []],
  ] as const) {
    assert.equal(driver.walk('keys').keys, [...keys])
    assert.is(driver.walk('count').live, keys.length)
  }
  app2.save('expired', 'x', 1000)
  assert.is(app.walk('sweep').expired, 0)
  assert.is(none.walk('sweep').expired, 0)
  assert.is(app2.walk('sweep').expired, 1)
  assert.is(none.walk('clear').live, 0)
  assert.is(app.walk('clear').live, 1)
  assert.equal([app.load('x'), app2.load('x')], [undefined, 'of app2'])
})

sweeping('files of others are not cleared, whatever their names', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  for (const name of ['readme', 'makefile', 'empty'])
    writeFileSync(
      `${driver.options.directory}/${name}`,
      name === 'empty' ? '' : 'a text that is long enough for a record header',
    )
  writeFileSync(`${driver.options.directory}/README`, 'the name of no session')
  driver.save('k', 'x')
  assert.is(driver.walk('clear').live, 1)
  assert.equal(
    filesBelow(driver.options.directory).filter((name) => !name.startsWith('.')),
    ['README', 'empty', 'makefile', 'readme'],
  )
  const past = Date.now() / 1000 - 100
  utimesSync(`${driver.options.directory}/readme`, past, past)
  const sweep = driver.walk('sweep')
  assert.equal([sweep.expired, sweep.orphans], [0, 0])
  assert.ok(sweep.corrupt.length > 0)
  assert.ok(filesBelow(driver.options.directory).includes('readme'))
})

for (const [length, most] of [
  ['short', 512],
  ['long', 2048],
] as const)
  sweeping(`goes in ${length} slices, and on after the last of them`, () => {
    const driver = new StorageDriver({ layout: 'flat' })
    const count = most * 2 + 100
    for (let index = 0; index < count; index++)
      driver.save(`k${index}`, 'x', index % 2 === 0 ? 1000 : undefined)
    const slices = driver.slices('sweep', length)
    assert.ok(slices.length >= 3)
    for (const { scanned } of slices) assert.ok(scanned <= most)
    assert.equal(
      slices.map(({ done }) => done),
      [...new Array<boolean>(slices.length - 1).fill(false), true],
    )
    assert.is(
      slices.reduce((sum, { expired }) => sum + expired, 0),
      count / 2,
    )
  })

sweeping('can be given up half way', () => {
  const driver = new StorageDriver({ layout: 'flat' })
  for (let index = 0; index < 2100; index++) driver.save(`k${index}`, 'x')
  const walk = driver.storage.walk('count')
  walk.next()
  walk.end()
  walk.end()
  assert.is(driver.walk('count').live, 2100)
  const open = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)
  const before = open()
  for (let index = 0; index < 20; index++) {
    const other = driver.storage.walk('keys')
    other.next()
    other.end()
  }
  assert.is(open(), before)
})

sweeping('one file that cannot be examined does not stop it', () => {
  const driver = new StorageDriver({ layout: 'flat', orphanGrace: 0 })
  const { directory } = driver.options
  for (const key of ['a', 'b', 'c']) driver.save(key, 'x', 1000)
  // What cannot be unlinked: a directory where a temporary file would be.
  mkdirSync(`${directory}/.${'a'.repeat(24)}-0.tmp/inside`, { recursive: true })
  symlinkSync('/nowhere', `${directory}/d`)
  const { expired, corrupt } = later(TOMBSTONE_LIFE + 1, () => driver.walk('sweep'))
  assert.is(expired, 3)
  assert.is(corrupt.length, 2)
})

sweeping('a flat directory that has gone fails the walk, a sharded one is empty', () => {
  const flat = new StorageDriver({ layout: 'flat' })
  rmSync(flat.options.directory, { recursive: true })
  assert.throws(() => flat.walk('count'), /ENOENT/)
  const sharded = new StorageDriver()
  assert.is(sharded.walk('count').live, 0)
  assert.is(sharded.save('k', 'x'), Status.DONE)
})

sweeping.run()
