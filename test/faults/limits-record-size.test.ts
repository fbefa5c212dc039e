import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { EncodeError, files, json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, sliceOf } from '#dist/workers/protocol/index.js'
import { budget, FULL } from '../budget.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('a record of the largest size')

const MIB = 2 ** 20
/** What the longest of all may be. */
const LARGEST = 256 * MIB
/** So many of the default's largest at once; most of them have to wait. */
const MANY = budget({ usual: 80, full: 400 })
/** Bytes that JSON takes for a session around its text. */
const AROUND = JSON.stringify({ text: '' }).length

const sessionOf = (bytes: number, letter = 'x') => ({ text: letter.repeat(bytes - AROUND) })

const kinds = [
  { durability: 'direct', fsync: false },
  { durability: 'direct', fsync: true },
  { durability: 'journal', fsync: false },
  { durability: 'journal', fsync: true },
] as const

/** Saves the largest and one that is a byte too long, in each way, and brings it to its file and back. */
async function tryLargest(engine: SessionEngine, bytes: number): Promise<void> {
  const largest = sessionOf(bytes)
  await engine.save('k', { small: true })
  const failures = [
    engine.save('k', sessionOf(bytes + 1)),
    engine.update('k', sessionOf(bytes + 1)),
    engine.create('other', sessionOf(bytes + 1)),
  ]
  for (const failure of failures) {
    assert.match((await rejection(failure, EncodeError)).message, new RegExp(`takes ${bytes + 1} bytes`))
  }
  assert.equal(await engine.load('k'), { small: true }, 'the version before stays')
  await engine.save('k', largest)
  assert.is((await engine.load('k'))?.text, largest.text)
  await engine.flush({ files: true })
  assert.is((await engine.load('k'))?.text, largest.text, 'from its file')
  assert.is(await engine.touch('k', { maxAge: 9_999 }), true)
  await engine.update('k', sessionOf(bytes, 'y'))
  assert.equal((await engine.clearExpired()).corrupt, 0)
  assert.is((await engine.load('k'))?.text, sessionOf(bytes, 'y').text)
  assert.is(await engine.count(), 1)
}

for (const kind of FULL ? kinds : [kinds[1], kinds[2]]) {
  const name = `${kind.durability}${kind.fsync ? ' with fsync' : ''}`

  test(`${name}: of the default 1 MiB; one byte more is refused`, async () => {
    const directory = temporaryDirectory('memory')
    const engine = new SessionEngine({ storage: files({ directory, ...kind }), codec: json(), threads: 2 })
    await tryLargest(engine, MIB)
    // Larger than any memory; nothing of it is read.
    const shard = `${directory}/${sliceOf(keyHash('huge')).toString(16).padStart(2, '0')}`
    mkdirSync(shard, { recursive: true })
    writeFileSync(`${shard}/huge`, '')
    truncateSync(`${shard}/huge`, 2 ** 40)
    const told = once(engine, 'corrupt')
    assert.is(await engine.load('huge'), undefined)
    assert.match((await told)[0].reason, /larger than any record/)
    await engine.close()
  })

  test(`${name}: many at once stay within the bounds, and each is stored or refused`, async () => {
    const engine = new SessionEngine({
      storage: files({ directory: temporaryDirectory('memory'), ...kind }),
      codec: json(),
      threads: 2,
      maxPending: { bytes: 16 * MIB },
    })
    await engine.ready()
    const before = process.memoryUsage().arrayBuffers
    const session = sessionOf(MIB)
    let most = 0
    const stored = new Set<string>()
    for (let first = 0; first < MANY; first += 40) {
      const saves = Array.from({ length: 40 }, async (_, index) => {
        const key = `session-${first + index}`
        await engine.save(key, session, { maxAge: (first + index) % 2 === 0 ? 0.001 : 9_999 })
        stored.add(key)
      })
      assert.ok(engine.stats().pending.bytes <= 16 * MIB)
      const settled = Promise.allSettled(saves)
      let waiting = true
      void settled.then(() => (waiting = false))
      while (waiting) {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const outcome of await settled)
        if (outcome.status === 'rejected') assert.is(outcome.reason.code, 'COATCHECK_OVERLOADED')
    }
    assert.ok(stored.size >= MANY / 4, `${stored.size} were stored`)
    // What waits, what is under way, what comes back, and what nobody has collected yet.
    assert.ok(most < 8 * 16 * MIB, `${most / MIB} MiB of buffers`)
    await engine.flush({ files: true })
    const living = [...stored].filter((key) => Number(key.slice('session-'.length)) % 2 === 1)
    for (const key of living) assert.is((await engine.load(key))?.text, session.text)
    assert.is(await engine.count(), living.length)
    assert.is((await engine.clearExpired()).expired, stored.size - living.length)
    await engine.close()
  })
}

if (FULL) {
  for (const durability of ['direct', 'journal'] as const) {
    test(`${durability}: of the largest that can be allowed, 256 MiB`, async () => {
      const journal = durability === 'journal' ? { journalMemory: 2 ** 31 } : {}
      const engine = new SessionEngine({
        storage: files({
          directory: temporaryDirectory('memory'),
          durability,
          maxRecordBytes: LARGEST,
          ...journal,
        }),
        codec: json(),
        threads: 1,
        maxPending: { bytes: 2 * LARGEST },
      })
      await tryLargest(engine, LARGEST)
      await engine.close()
    })
  }
}

test('no larger one can be allowed', () => {
  assert.throws(() => files({ directory: 'd', maxRecordBytes: LARGEST + 1 }), /maxRecordBytes.*268435457/)
})

test.run()
