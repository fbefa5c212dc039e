import { type FilesOptions, files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { type Ending, runProgram } from './program.js'

const test = suite('processes: how a program with an engine ends')

function endedByItself({ code, signal, stderr }: Ending): void {
  assert.is(signal, null, stderr)
  assert.is(code, 0, stderr)
  assert.is(stderr, '')
}

async function storedIn(
  directory: string,
  count: number,
  options: Partial<FilesOptions> = {},
): Promise<void> {
  const engine = new SessionEngine({ storage: files({ ...options, directory }), threads: 1 })
  assert.is(await engine.count(), count)
  for (let index = 0; index < count; index += 17)
    assert.equal(await engine.load(`session-${index}`), { index })
  await engine.close()
}

test('a program that forgets to close ends by itself, and everything accepted is stored', async () => {
  const variants: Partial<FilesOptions>[] = [
    {},
    { fsync: true },
    { layout: 'flat' },
    { durability: 'journal', checkpointInterval: 3600 },
    { durability: 'journal', fsync: true, checkpointInterval: 0.01 },
  ]
  for (const options of variants) {
    const directory = temporaryDirectory()
    const ending = await runProgram(`
      const storage = files(${JSON.stringify({ ...options, directory })})
      const engine = new SessionEngine({ storage, threads: 2 })
      let settled = 0
      for (let index = 0; index < 300; index++) engine.save('session-' + index, { index }).then(() => settled++)
      process.once('exit', () => console.log(settled))
    `)
    endedByItself(ending)
    assert.is(ending.stdout, '300\n')
    await storedIn(directory, 300, options)
  }
})

test('neither an open engine nor its sweep keeps the program running', async () => {
  const ending = await runProgram(`
    const engine = new SessionEngine({ directory: ${JSON.stringify(temporaryDirectory())}, sweepInterval: 1 })
    await engine.ready()
    await engine.save('a', {})
    await engine.clearExpired()
    for await (const key of engine.keys()) break
    console.log('done')
  `)
  endedByItself(ending)
  assert.is(ending.stdout, 'done\n')
})

test('the sweep runs at its interval while the program does', async () => {
  const ending = await runProgram(`
    const directory = ${JSON.stringify(temporaryDirectory())}
    const engine = new SessionEngine({ directory, threads: 1, sweepInterval: 1 })
    await engine.save('dead', {}, { maxAge: -1 })
    while (engine.stats().lastSweep === undefined) await engine.exists('dead')
    console.log(engine.stats().lastSweep.expired)
  `)
  endedByItself(ending)
  assert.is(ending.stdout, '1\n')
})

test('an awaited operation is always settled before the program ends', async () => {
  // Node would end with code 13 at a top-level await that nothing keeps alive.
  const ending = await runProgram(`
    const engine = new SessionEngine({ directory: ${JSON.stringify(temporaryDirectory())}, threads: 2 })
    await engine.create('a', {})
    await engine.update('a', { version: 1 })
    await engine.touch('a')
    await engine.load('a')
    await engine.exists('a')
    await engine.count()
    await engine.flush()
    await engine.clear()
    await engine.clearExpired()
    await engine.delete('a')
    await engine.close()
    await engine.close()
    console.log('done')
  `)
  endedByItself(ending)
  assert.is(ending.stdout, 'done\n')
})

test('the same when its worker dies of it', async () => {
  const ending = await runProgram(`
    const faulty = faultyFiles({ key: '*', when: 'after', how: 'exit', times: 2 }, { exitsAtWalk: 1 })
    const engine = new SessionEngine({ storage: faulty.storage, threads: 1 })
    await engine.create('a', { version: 1 })
    await engine.count().catch((error) => console.log(error.errno))
    console.log(await engine.count())
  `)
  endedByItself(ending)
  assert.is(ending.stdout, 'WORKER_LOST\n1\n')
})

for (const durability of ['direct', 'journal'] as const) {
  test(`nothing of an engine is left after close: ${durability}`, () => nothingIsLeft(durability))
}

async function nothingIsLeft(durability: 'direct' | 'journal'): Promise<void> {
  const ending = await runProgram(`
    const before = process.getActiveResourcesInfo()
    const storage = files(${JSON.stringify({ directory: temporaryDirectory(), durability })})
    const engine = new SessionEngine({ storage, threads: 2 })
    await engine.save('a', {})
    await engine.count()
    await engine.close({ timeout: 60_000 })
    await new Promise((resolve) => setImmediate(resolve))
    const left = process.getActiveResourcesInfo().filter((name) => !before.includes(name) && name !== 'Immediate')
    console.log(JSON.stringify(left))
  `)
  endedByItself(ending)
  assert.is(ending.stdout, '[]\n')
}

test('what was acknowledged survives process.exit and an uncaught exception', async () => {
  for (const end of ['process.exit(0)', "throw new Error('the program fails')"]) {
    const directory = temporaryDirectory()
    const ending = await runProgram(`
      const engine = new SessionEngine({ directory: ${JSON.stringify(directory)}, threads: 2 })
      const saves = Array.from({ length: 200 }, (_, index) => engine.save('session-' + index, { index }))
      await Promise.all(saves)
      for (let index = 0; index < 200; index++) engine.save('session-' + index, { index })
      ${end}
    `)
    assert.is(ending.code, end.startsWith('throw') ? 1 : 0, ending.stderr)
    await storedIn(directory, 200)
  }
})

test('what was acknowledged survives kill -9', async () => {
  const directory = temporaryDirectory()
  const acknowledged = new Map<string, number>()
  const ending = await runProgram(
    `
    const engine = new SessionEngine({ directory: ${JSON.stringify(directory)}, threads: 2 })
    for (let version = 1; ; version++) {
      const saves = Array.from({ length: 50 }, async (_, index) => {
        await engine.save('session-' + index, { version })
        process.stdout.write(index + ' ' + version + '\\n')
      })
      await Promise.all(saves)
    }
  `,
    {
      onLine: (line, kill) => {
        const [index = '', version] = line.split(' ')
        acknowledged.set(`session-${index}`, Number(version))
        if (Number(version) === 20) kill()
      },
    },
  )
  assert.is(ending.signal, 'SIGKILL')
  assert.ok(acknowledged.size === 50 && [...acknowledged.values()].some((version) => version >= 20))
  const engine = new SessionEngine({ directory, threads: 1 })
  for (const [key, version] of acknowledged) {
    const session = (await engine.load(key)) as { version: number } | undefined
    assert.ok(session !== undefined && session.version >= version, `${key}: ${version} acknowledged`)
  }
  await engine.close()
})

test('a worker that runs out of memory takes neither the program nor other saves with it', async () => {
  const ending = await runProgram(
    `
    const faulty = faultyFiles({ key: 'greedy', when: 'before', how: 'memory', times: 1_000 })
    const engine = new SessionEngine({ storage: faulty.storage, threads: 1 })
    await engine.ready()
    const mates = Array.from({ length: 10 }, (_, index) => engine.create('mate-' + index, { index }))
    await engine.save('greedy', {}).catch((error) => console.log(error.errno, error.cause?.cause?.code ?? error.cause?.code))
    await Promise.all(mates)
    console.log(await engine.count(), faulty.count('fault'))
  `,
    { flags: ['--max-old-space-size=48'] },
  )
  assert.is(ending.signal, null, ending.stderr)
  assert.is(ending.code, 0, ending.stderr)
  assert.is(ending.stdout, 'WORKER_LOST ERR_WORKER_OUT_OF_MEMORY\n10 3\n')
})

test('a program whose worker loops ends after close has timed out', async () => {
  const ending = await runProgram(`
    const faulty = faultyFiles({ key: 'loop', when: 'before', how: 'loop', times: 1_000 })
    const engine = new SessionEngine({ storage: faulty.storage, threads: 1 })
    await engine.save('a', {})
    const tell = (error) => console.log(error.errno)
    engine.save('loop', {}).catch(tell)
    setImmediate(() => engine.save('loop', {}).catch(tell))
    while (faulty.count('fault') === 0) await new Promise((resolve) => setImmediate(resolve))
    await engine.close({ timeout: 100 }).catch(tell)
  `)
  endedByItself(ending)
  assert.is(ending.stdout, 'CLOSE_TIMEOUT\nCLOSE_TIMEOUT\nCLOSE_TIMEOUT\n')
})

test.run()
