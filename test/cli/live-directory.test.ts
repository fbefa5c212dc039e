import { type FilesOptions, files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { coatcheck, jsonLines } from './run-coatcheck.js'

const test = suite('command line: beside a live engine')

const KEYS = Array.from({ length: 60 }, (_, index) => `stays-${index}`)

/** Runs the work while an engine saves, touches, deletes and brings back, without a pause. */
async function underLoad(
  options: Omit<FilesOptions, 'directory'>,
  work: (directory: string, saves: () => number) => Promise<void>,
): Promise<void> {
  const directory = temporaryDirectory('memory')
  const engine = new SessionEngine({
    storage: files({ directory, ...options }),
    threads: 1,
    sweepInterval: false,
  })
  let stopped = false
  let saves = 0
  const call = async (key: string): Promise<void> => {
    for (let step = 0; !stopped; step++) {
      await engine.save(key, { step, text: 'x'.repeat((step * 37) % 900) })
      saves++
      await engine.touch(key, { maxAge: 1000 + (step % 100) })
      const other = `comes-and-goes-${key}`
      if (step % 3 === 0) await engine.save(other, { step })
      else if (step % 3 === 1) await engine.delete(other)
    }
  }
  try {
    for (const key of KEYS) await engine.save(key, {})
    const calls = KEYS.map(call)
    try {
      await work(directory, () => saves)
    } finally {
      stopped = true
      await Promise.all(calls)
    }
  } finally {
    await engine.close()
  }
}

/** What all that read say of a directory that changes all the time. */
async function assertTruth(directory: string): Promise<{ journal: { owner: number } | null }> {
  const [list, show, verify, stats] = await Promise.all([
    coatcheck('list', directory, '--json'),
    coatcheck('show', directory, 'stays-7', '--json'),
    coatcheck('verify', directory),
    coatcheck('stats', directory, '--json'),
  ])
  const keys = (jsonLines(list.stdout) as { key: string }[]).map(({ key }) => key)
  assert.equal(keys.filter((key) => key.startsWith('stays')).sort(), [...KEYS].sort(), 'each, and once')
  const [shown] = jsonLines(show.stdout) as [{ key: string; session: { text?: string } }]
  assert.is(shown.key, 'stays-7')
  assert.match(shown.session.text ?? '', /^x*$/)
  assert.match(verify.stdout, /^\d+ sessions are sound \([^)]*\), 0 corrupt, 0 orphaned/)
  for (const { status, stderr } of [list, show, verify, stats])
    assert.equal({ status, stderr }, { status: 0, stderr: '' })
  return (jsonLines(stats.stdout) as [{ journal: { owner: number } | null }])[0]
}

test('direct: everything reads, and clear-expired sweeps', async () => {
  await underLoad({}, async (directory, saves) => {
    const before = saves()
    await assertTruth(directory)
    const swept = await coatcheck('clear-expired', directory)
    assert.equal([swept.status, swept.stderr], [0, ''])
    assert.ok(saves() > before, 'the engine was at work')
  })
})

test('a journal: everything reads, the owner is told, and keeps the directory', async () => {
  const options = { durability: 'journal', checkpointInterval: 0.05, fsync: true } as const
  await underLoad(options, async (directory, saves) => {
    const before = saves()
    const figures = await assertTruth(directory)
    assert.is(figures.journal?.owner, process.pid)
    const refusals = await Promise.all(
      ['clear-expired', 'recover'].map((command) => coatcheck(command, directory)),
    )
    for (const { status, stdout, stderr } of refusals) {
      assert.equal({ status, stdout }, { status: 1, stdout: '' })
      assert.match(
        stderr,
        new RegExp(`^error: the session directory belongs to the engine of process ${process.pid}`),
      )
    }
    assert.ok(saves() > before, 'the engine was at work')
  })
})

test.run()
