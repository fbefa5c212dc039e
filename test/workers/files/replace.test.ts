import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CLAIM_LIFE } from '#dist/workers/files/claim.js'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { filesBelow, randomNonce, type Step, StorageDriver } from './storage-driver.js'

const test = suite('direct: replaces')

const KEY = 'k'
const VARIANTS = [
  { layout: 'flat' },
  { layout: 'sharded', fsync: true },
  { layout: 'flat', hashNames: true },
  { layout: 'sharded', hashNames: true, fsync: true },
] as const

for (const options of VARIANTS) {
  const driver = new StorageDriver({ ...options, directory: temporaryDirectory('memory') })

  test(`${JSON.stringify(options)}: takes effect on the text that it was told, and on no other`, () => {
    assert.is(driver.replace(KEY, 'new', ''), Status.ABSENT)
    assert.is(driver.load(KEY), undefined)
    driver.save(KEY, 'old')
    assert.is(driver.replace(KEY, 'new', 'another'), Status.SUPERSEDED)
    assert.is(driver.replace(KEY, 'new', 'older'), Status.SUPERSEDED)
    assert.is(driver.load(KEY), 'old')
    assert.is(driver.replace(KEY, 'new', 'old'), Status.DONE)
    assert.is(driver.replace(KEY, 'newer', 'old'), Status.SUPERSEDED)
    assert.is(driver.load(KEY), 'new')
    assert.is(driver.replace(KEY, '', 'new'), Status.DONE)
    assert.is(driver.replace(KEY, 'x'.repeat(70_000), ''), Status.DONE)
    assert.is(driver.load(KEY), 'x'.repeat(70_000))
    driver.delete(KEY)
    assert.is(driver.replace(KEY, 'new', 'x'.repeat(70_000)), Status.ABSENT)
    driver.save(KEY, 'expired', 1000)
    assert.is(driver.replace(KEY, 'new', 'expired'), Status.ABSENT)
    driver.delete(KEY)
    assert.equal(filesBelow(driver.options.directory), [])
  })

  test(`${JSON.stringify(options)}: each slot of a batch has its own outcome`, () => {
    const keys = Array.from({ length: 150 }, (_, index) => `${KEY}${index}`)
    driver.apply(keys.filter((_, index) => index % 3 > 0).map((key) => saveOf(key, 'old')))
    const steps = keys.map((key, index) => ({
      opcode: Opcode.REPLACE,
      key,
      text: `new ${index}`,
      was: index % 3 === 1 ? 'old' : 'other',
    }))
    const { outcomes } = driver.apply(steps)
    const expected = [Status.ABSENT, Status.DONE, Status.SUPERSEDED]
    for (const [index, key] of keys.entries()) {
      assert.is(outcomes[index]?.status, expected[index % 3])
      assert.is(driver.load(key), [undefined, `new ${index}`, 'old'][index % 3])
    }
    assert.is(filesBelow(driver.options.directory).length, 100)
  })

  test(`${JSON.stringify(options)}: done again, it knows what it has stored`, () => {
    const nonce = randomNonce()
    const steps: readonly Step[] = [{ opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'old' }]
    const attempt = (number: number) => driver.apply(steps, number, nonce).outcomes[0]
    driver.save(KEY, 'old')
    assert.is(attempt(0)?.status, Status.DONE)
    assert.is(attempt(1)?.status, Status.DONE)
    assert.is(driver.apply(steps, 0, randomNonce()).outcomes[0]?.status, Status.SUPERSEDED)
    // Built upon by somebody else since: neither done nor refused is sure to be true.
    driver.replace(KEY, 'newer', 'new')
    const lost = attempt(2)
    assert.is(lost?.status, Status.FAILED)
    assert.is(lost?.failure?.code, 'WORKER_LOST')
    assert.match(lost?.failure?.message ?? '', /^WORKER_LOST: a worker thread died/)
    assert.is(driver.load(KEY), 'newer')
    // It never came so far.
    driver.save(KEY, 'old')
    assert.is(attempt(1)?.status, Status.DONE)
    assert.is(driver.load(KEY), 'new')
  })
}

const flat = new StorageDriver({ layout: 'flat', directory: temporaryDirectory('memory') })
const { file, claim } = flat.place(KEY)

function saveOf(key: string, text: string): Step {
  return { opcode: Opcode.SAVE, key, text }
}

test('what is no session is moved aside and told of; there is nothing to replace', () => {
  const obstacles = {
    damaged: () => writeFileSync(file, 'damaged'),
    link: () => symlinkSync('nowhere', file),
  }
  for (const [what, put] of Object.entries(obstacles)) {
    put()
    const { status, corrupt } = flat.one({ opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'old' })
    assert.is(status, Status.ABSENT, what)
    assert.is(corrupt.length, 1, what)
    assert.ok(corrupt[0]?.keptAs !== undefined, what)
    assert.not(existsSync(file), what)
    const left = readdirSync(flat.options.directory)
    assert.is(left.length, 1, `${what}: ${left}`)
    for (const name of left) rmSync(`${flat.options.directory}/${name}`)
  }
})

test('a claim that others keep taking is waited for, but not for ever, and nothing is left', () => {
  const { now } = performance
  flat.save(KEY, 'old')
  let time = 0
  let looks = 0
  // Each look at the clock finds a claim that has just been taken anew.
  performance.now = () => {
    looks++
    rmSync(claim, { force: true })
    writeFileSync(claim, '')
    time += CLAIM_LIFE / 4
    return time
  }
  try {
    const { status, failure } = flat.one({ opcode: Opcode.REPLACE, key: KEY, text: 'new', was: 'old' })
    assert.is(status, Status.FAILED)
    assert.is(failure?.code, 'EBUSY')
    assert.ok(looks > 5)
  } finally {
    performance.now = now
    rmSync(claim)
  }
  assert.equal(readdirSync(flat.options.directory), [KEY])
  assert.is(flat.load(KEY), 'old')
  assert.is(flat.replace(KEY, 'new', 'old'), Status.DONE)
  assert.equal(readdirSync(flat.options.directory), [KEY])
})

test.run()
