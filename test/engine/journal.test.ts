import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type FilesOptions,
  files,
  OverloadedError,
  type RecoveryProgress,
  SessionEngine,
  type SessionEngineOptions,
  StorageError,
} from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome, rejection } from '../conformance/rejections.js'
import { faultyFiles } from '../fixtures/faulty-files.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: the journal')

/** An hour: no checkpoint but those that are asked for. */
const NEVER = 3600

function journaled(
  options: Partial<FilesOptions> = {},
  engineOptions: SessionEngineOptions = {},
): { readonly engine: SessionEngine; readonly directory: string } {
  const directory = options.directory ?? temporaryDirectory()
  const storage = files({ checkpointInterval: NEVER, ...options, directory, durability: 'journal' })
  return {
    engine: new SessionEngine({ threads: 2, sweepInterval: false, ...engineOptions, storage }),
    directory,
  }
}

/** Sessions that are in a file, journal or not. */
function filesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[0-9a-f]{2}\/[^.]/.test(name),
  ).length
}

/** As a crash leaves it: the workers are gone, the journal is not. */
async function crash(engine: SessionEngine): Promise<void> {
  await engine.flush()
  await rejection(engine.close({ timeout: 0 }), StorageError)
}

test('a save is acknowledged before it has a file; flush({ files: true }) and close give it one', async () => {
  const { engine, directory } = journaled()
  for (let version = 1; version <= 3; version++) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => engine.save(`key-${index}`, { version })))
  }
  assert.is(filesIn(directory), 0)
  assert.ok((engine.stats().journal?.memoryBytes ?? 0) > 0)
  assert.ok((engine.stats().journal?.diskBytes ?? 0) > 150 * 50)
  await engine.flush()
  assert.is(filesIn(directory), 0)
  await engine.flush({ files: true })
  assert.is(filesIn(directory), 50)
  const { journal } = engine.stats()
  assert.equal(
    [journal?.memoryBytes, journal?.diskBytes, journal?.checkpoints.count, journal?.lag],
    [0, 0, 1, 0],
  )
  await engine.save('last', { version: 4 })
  await engine.close()
  assert.is(filesIn(directory), 51)
  assert.not.ok(existsSync(join(directory, '.journal')), 'closing leaves only session files')
  const direct = new SessionEngine({ directory })
  assert.equal(await direct.load('key-7'), { version: 3 })
  assert.is(direct.stats().journal, undefined)
  await direct.close()
})

test('checkpoints come by interval and by size of the journal', async () => {
  const byInterval = journaled({ checkpointInterval: 0.01 })
  await byInterval.engine.save('a', {})
  while (filesIn(byInterval.directory) === 0) await byInterval.engine.exists('a')
  await byInterval.engine.close()

  const bySize = journaled({ journalBytes: 2 ** 20 })
  const text = 'x'.repeat(2_000)
  for (let round = 0; filesIn(bySize.directory) === 0; round++) {
    assert.ok(round < 2_000, 'the journal grows and grows')
    await Promise.all(Array.from({ length: 20 }, (_, index) => bySize.engine.save(`key-${index}`, { text })))
  }
  await bySize.engine.close()
})

test('what a crash has left is read back, told of while the engine opens, and then brought to files', async () => {
  const { engine, directory } = journaled()
  await Promise.all(Array.from({ length: 300 }, (_, index) => engine.save(`key-${index}`, { index })))
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => engine.save(`key-${index}`, { index: index + 1 })),
  )
  await engine.delete('key-0')
  await crash(engine)
  assert.ok(readdirSync(join(directory, '.journal')).some((name) => name.endsWith('.log')))
  const { engine: second } = journaled({ directory })
  const told: RecoveryProgress[] = []
  second.on('recovery', (progress) => told.push(progress))
  await second.ready()
  assert.equal(await second.load('key-7'), { index: 8 })
  assert.is(await second.load('key-0'), undefined)
  const last = told.at(-1)
  assert.equal([last?.done, last?.records, last?.bytes], [true, 601, last?.totalBytes])
  assert.is(await second.count(), 299)
  await second.close()
  assert.is(filesIn(directory), 299)
})

test('no expiry that is accepted keeps what is saved after it from being read back, or brought to files', async () => {
  const past = [
    { maxAge: Number.NEGATIVE_INFINITY },
    { maxAge: Number.MIN_SAFE_INTEGER },
    { maxAge: -1 },
    { expires: new Date(-8.64e15) },
    { expires: new Date(-1) },
  ]
  const future = [
    { maxAge: Number.POSITIVE_INFINITY },
    { maxAge: Number.MAX_VALUE },
    { expires: new Date(8.64e15) },
  ]
  for (const expiry of [...past, ...future]) {
    const { engine, directory } = journaled({}, { threads: 1 })
    await engine.save('a', { version: 1 }, expiry)
    await engine.save('b', { version: 2 })
    await crash(engine)
    const { engine: second } = journaled({ directory }, { threads: 1 })
    const corrupt: unknown[] = []
    second.on('corrupt', (notice) => corrupt.push(notice))
    assert.equal(await second.load('b'), { version: 2 })
    assert.is(await second.exists('a'), future.includes(expiry))
    await second.flush({ files: true })
    await second.close()
    assert.equal(corrupt, [])
    const direct = new SessionEngine({ directory, threads: 1 })
    assert.equal(
      [await direct.load('b'), await direct.exists('a')],
      [{ version: 2 }, future.includes(expiry)],
    )
    await direct.close()
  }
})

test('an engine without a journal brings to files what a crash has left in one', async () => {
  const { engine, directory } = journaled()
  await Promise.all(Array.from({ length: 300 }, (_, index) => engine.save(`key-${index}`, { index })))
  await crash(engine)
  const direct = new SessionEngine({ directory, threads: 1 })
  assert.equal(await direct.load('key-299'), { index: 299 })
  assert.is(await direct.count(), 300)
  assert.not.ok(existsSync(join(directory, '.journal')))
  await direct.close()
})

test('a load from a file neither waits for later saves of its key nor sees them, and holds up nobody', async () => {
  const { engine } = journaled({ checkpointInterval: 0.01 })
  for (let round = 0; round < 200; round++) {
    const version = round * 2
    await engine.save('a', { version })
    if (round % 2 === 0) await engine.flush({ files: true })
    const before = engine.load('a')
    const write = engine.save('a', { version: version + 1 })
    const after = engine.load('a')
    assert.equal(await Promise.all([before, write, after]), [
      { version },
      undefined,
      { version: version + 1 },
    ])
  }
  await engine.close()
})

test('past journalMemory writes are refused, readers are not, and room comes back', async () => {
  const { engine } = journaled({ journalMemory: 2 ** 20, journalBytes: 2 ** 30 })
  const { directory } = journaled()
  const text = 'x'.repeat(20_000)
  const recovered = once(engine, 'recovered')
  let refused = 0
  for (let round = 0; refused === 0; round++) {
    assert.ok(round < 1_000, 'nothing was refused')
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) => outcome(engine.save(`key-${round}-${index}`, { text }))),
    )
    refused = results.filter((result) => result === 'OverloadedError').length
  }
  const memory = engine.stats().journal?.memoryBytes ?? 0
  assert.ok(memory <= 2 ** 20 + 2 ** 19, `${memory} bytes`)
  assert.equal(await engine.load('key-0-0'), { text })
  assert.is(await engine.exists('key-0-1'), true)
  await engine.delete('key-0-1')
  await recovered
  while ((await outcome(engine.save('again', { text }))) === 'OverloadedError') await engine.exists('again')
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
})

test('a refusal for the sake of the journal says so', async () => {
  const { engine } = journaled({ journalMemory: 2 ** 20 }, { maxPending: { bytes: 2 ** 30 } })
  await engine.save('first', { text: 'x' })
  const saves = Array.from({ length: 200 }, (_, index) =>
    engine.save(`key-${index}`, { text: 'x'.repeat(20_000) }),
  )
  const settled = await Promise.allSettled(saves)
  const refusal = settled.find((result) => result.status === 'rejected')
  assert.instance(refusal?.reason, OverloadedError)
  assert.match(refusal?.reason.message, /more than 1048576 bytes wait in the journal .* \(journalMemory\)/)
  await engine.close()
})

test('a checkpoint that fails is told of, loses nothing, and the next one goes through', async () => {
  const { engine, directory } = journaled({ checkpointInterval: 0.01, layout: 'sharded' })
  await engine.ready()
  for (let shard = 0; shard < 256; shard++)
    writeFileSync(join(directory, shard.toString(16).padStart(2, '0')), '')
  let error: Error | undefined
  engine.once('error', (reason) => {
    error = reason
  })
  await engine.save('a', { version: 1 })
  // The timer alone keeps no process alive.
  while (error === undefined) await engine.exists('a')
  assert.instance(error, StorageError)
  assert.is((error as StorageError).errno, 'ENOTDIR')
  assert.is((await rejection(engine.flush({ files: true }), StorageError)).errno, 'ENOTDIR')
  assert.equal(await engine.load('a'), { version: 1 })
  for (let shard = 0; shard < 256; shard++) rmSync(join(directory, shard.toString(16).padStart(2, '0')))
  await engine.flush({ files: true })
  assert.is(filesIn(directory), 1)
  await engine.close()
})

test('a close that cannot bring everything to files rejects, and the next engine does it', async () => {
  const { engine, directory } = journaled()
  await engine.save('a', { version: 1 })
  for (let shard = 0; shard < 256; shard++)
    writeFileSync(join(directory, shard.toString(16).padStart(2, '0')), '')
  assert.is((await rejection(engine.close(), StorageError)).errno, 'ENOTDIR')
  for (let shard = 0; shard < 256; shard++) rmSync(join(directory, shard.toString(16).padStart(2, '0')))
  const { engine: second } = journaled({ directory })
  assert.equal(await second.load('a'), { version: 1 })
  await second.close()
  assert.is(filesIn(directory), 1)
})

test('a journal worker that dies in the midst of checkpoints has forgotten nothing', async () => {
  const { storage, count } = faultyFiles(
    { key: 'die', when: 'after', how: 'exit', times: 2 },
    { durability: 'journal', checkpointInterval: 0.01 },
  )
  const engine = new SessionEngine({ storage, threads: 1 })
  for (let version = 0; version < 20; version++) {
    await Promise.all([engine.save('die', { version }), engine.save(`key-${version}`, { version })])
    assert.equal(await engine.load('die'), { version })
    assert.equal(await engine.load('key-0'), { version: 0 })
  }
  assert.is(count('fault'), 2)
  const { restarts } = engine.stats().workers
  assert.ok(restarts >= 2, `${restarts} restarts`)
  assert.is(await engine.count(), 21)
  await engine.close()
})

test('flush takes no other options', async () => {
  const { engine } = journaled()
  await rejection(engine.flush({ file: true } as never), TypeError)
  await rejection(engine.flush({ files: 1 as never }), TypeError)
  await engine.close()
})

test.run()
