import { join } from 'node:path'
import { EngineClosedError, files, OwnedError, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SecretError } from '#dist/src/import/errors.js'
import { AT_ONCE, moveIn } from '#dist/src/import/move-in.js'
import { sessionFileStoreSource } from '#dist/src/import/session-file-store/index.js'
import type { Finding, SessionSource, SourceEntry } from '#dist/src/import/source.js'
import type { MovedSessions } from '#dist/src/import/tally.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite<{ engine: SessionEngine }>('import: moving in')

test.before.each((context) => {
  context.engine = new SessionEngine({
    directory: temporaryDirectory('memory'),
    threads: 1,
    sweepInterval: false,
  })
})
test.after.each(({ engine }) => engine.close())

/** A source of made-up findings, by number. */
function sourceOf(count: number, finding: (index: number) => Finding | Promise<Finding>): SessionSource {
  return {
    async *entries() {
      for (let index = 0; index < count; index++) {
        yield { key: `key-${index}`, read: async () => ({ ...(await finding(index)), inode: index + 1 }) }
      }
    },
  }
}

function session(values: Record<string, unknown> = {}): Finding {
  return { state: 'session', session: values, expiresAt: Date.now() + 600_000 }
}

function countsOf({ imported, existing, expired, unreadable, foreign, gone }: MovedSessions) {
  return { imported, existing, expired, unreadable, foreign, gone }
}

test('a session that is there already is left alone, and not even read', async ({ engine }) => {
  await engine.save('key-0', { newer: true })
  let reads = 0
  const source = sourceOf(2, () => {
    reads++
    return session({ older: true })
  })
  assert.equal(countsOf(await moveIn({ source, engine })), {
    imported: 1,
    existing: 1,
    expired: 0,
    unreadable: 0,
    foreign: 0,
    gone: 0,
  })
  assert.is(reads, 1)
  assert.equal(await engine.load('key-0'), { newer: true })
  assert.equal(await engine.load('key-1'), { older: true })
})

test('a session that is made while its older self is read is left alone', async ({ engine }) => {
  const source = sourceOf(1, async () => {
    await engine.create('key-0', { newer: true })
    return session({ older: true })
  })
  assert.is((await moveIn({ source, engine })).existing, 1)
  assert.equal(await engine.load('key-0'), { newer: true })
})

test('one that cannot be moved does not stop the others', async ({ engine }) => {
  const findings: readonly Finding[] = [
    session(),
    { state: 'unreadable', reason: 'is torn' },
    { state: 'unreadable', reason: 'is torn' },
    session({ large: 'x'.repeat(2 ** 20) }),
    { state: 'expired' },
    { state: 'gone' },
    { state: 'foreign' },
    session(),
  ]
  const source = sourceOf(findings.length, (index) => findings[index] ?? session())
  const odd: SessionSource = {
    async *entries() {
      yield { key: undefined }
      yield { key: 'x'.repeat(300), read: async () => ({ ...session(), inode: 100 }) }
      yield* source.entries()
    },
  }
  let last: MovedSessions | undefined
  const moved = await moveIn({
    source: odd,
    engine,
    onProgress: (progress) => {
      last = progress
    },
  })
  assert.equal(countsOf(moved), { imported: 2, existing: 0, expired: 1, unreadable: 4, foreign: 2, gone: 1 })
  assert.equal(countsOf(last ?? moved), countsOf(moved), 'the last progress is the result')
  assert.equal(
    moved.reasons.map(({ reason, count, inodes }) => [reason, count, [...inodes].sort()]),
    [
      ['is torn', 2, [2, 3]],
      ['has a name that is no session key', 1, []],
      ['cannot be encoded, or is larger than maxRecordBytes', 1, [4]],
    ],
  )
})

test('however many there are, few are under way', async ({ engine }) => {
  const count = 20_000
  let listed = 0
  let done = 0
  let underWay = 0
  let most = 0
  let furthest = 0
  const source: SessionSource = {
    async *entries() {
      const entries = sourceOf(count, async (index) => {
        underWay++
        most = Math.max(most, underWay)
        await new Promise(setImmediate)
        underWay--
        return index % 100 === 0 ? session() : { state: 'unreadable', reason: 'is torn' }
      })
      for await (const entry of entries.entries()) {
        listed++
        furthest = Math.max(furthest, listed - done)
        yield entry
      }
    },
  }
  const moved = await moveIn({
    source,
    engine,
    onProgress: () => {
      done++
    },
  })
  assert.equal([moved.imported, moved.unreadable], [200, 19_800])
  assert.is(most, AT_ONCE, 'as many as there may be')
  assert.ok(furthest <= 2 * AT_ONCE + 1, `${furthest} listed and not done`)
  assert.is(moved.reasons[0]?.inodes.length, 10, 'and few are named')
})

test('a secret that fits nothing is given up; one that fits something is not', async ({ engine }) => {
  const wrong: Finding = { state: 'unreadable', reason: 'does not fit', secret: 'wrong' }
  let reads = 0
  const error = await rejection(
    moveIn({
      source: sourceOf(100_000, () => {
        reads++
        return wrong
      }),
      engine,
    }),
    SecretError,
  )
  assert.is(error.code, 'COATCHECK_SECRET')
  assert.ok(reads < 2_000, `${reads} reads before it was given up`)
  assert.is(await engine.count(), 0)

  for (const problem of ['missing', 'needless'] as const) {
    const source = sourceOf(1, () => ({
      state: 'unreadable',
      reason: 'is or is not encrypted',
      secret: problem,
    }))
    assert.is((await rejection(moveIn({ source, engine }), SecretError)).problem, problem)
  }

  const late = sourceOf(1_500, (index) => (index === 900 ? session() : wrong))
  assert.is((await moveIn({ source: late, engine })).unreadable, 1_499)
  // The second run finds what the first one has moved, and only the others are left to read.
  assert.is((await moveIn({ source: late, engine })).existing, 1)
  await rejection(moveIn({ source: sourceOf(1, () => wrong), engine }), SecretError)
})

test('what is wrong with the storage ends it', async ({ engine }) => {
  let reads = 0
  const source = sourceOf(10_000, () => {
    reads++
    if (reads === 50) void engine.close()
    return session()
  })
  await rejection(moveIn({ source, engine }), EngineClosedError)
  assert.ok(reads < 50 + 3 * AT_ONCE, `${reads} reads`)
})

test('a directory whose owner lives is left alone', async () => {
  const directory = temporaryDirectory()
  const owner = new SessionEngine({ storage: files({ directory, durability: 'journal' }), threads: 1 })
  const engine = new SessionEngine({ directory, threads: 1 })
  try {
    await owner.ready()
    const source = sourceOf(1, () => session())
    const error = await rejection(moveIn({ source, engine }), OwnedError)
    assert.match(error.message, /close that engine first/)
    assert.is(await owner.count(), 0)
  } finally {
    await engine.close()
    await owner.close()
  }
})

test('a directory that cannot be made or listed ends it before it begins', async ({ engine }) => {
  const nowhere = join(temporaryDirectory('memory'), 'not', 'there')
  const error = await rejection(moveIn({ source: sessionFileStoreSource({ path: nowhere }), engine }), Error)
  assert.is((error as NodeJS.ErrnoException).code, 'ENOENT')
  const homeless = new SessionEngine({ directory: nowhere, threads: 1 })
  const source = sourceOf(1, () => session())
  await rejection(moveIn({ source, engine: homeless }), StorageError)
  await homeless.close()
})

test('a signal stops it after what is under way, and what was moved stays', async ({ engine }) => {
  const controller = new AbortController()
  const source = sourceOf(10_000, () => session())
  const moved = await moveIn({
    source,
    engine,
    signal: controller.signal,
    onProgress: ({ imported }) => {
      if (imported === 100) controller.abort()
    },
  })
  assert.ok(moved.imported >= 100 && moved.imported < 100 + 3 * AT_ONCE, `${moved.imported} moved`)
  assert.is(await engine.count(), moved.imported)
})

test('entries are closed when it ends early', async ({ engine }) => {
  let closed = false
  const entries = async function* (): AsyncGenerator<SourceEntry> {
    try {
      for (;;) yield { key: undefined }
    } finally {
      closed = true
    }
  }
  const signal = AbortSignal.abort()
  assert.is((await moveIn({ source: { entries }, engine, signal })).imported, 0)
  assert.ok(closed)
})

test.run()
