import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { MovedSessions } from '#dist/src/import/tally.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { fileStore, putSessions, traceOf } from '../import/file-store.js'
import { skipUnless } from '../skip.js'
import { runImport } from './import-command.js'
import { SCRIPT } from './run-coatcheck.js'

/*
 * An import that ends before its time. The signal comes from within, from the decoder of the nth session: so it is
 * certain where the command is just then.
 */

const test = suite('coatcheck import, broken off')

const COUNT = 300
/** At most so many sessions are under way. */
const UNDER_WAY = 32

const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
const atTerminal = skipUnless(hasScript, "needs util-linux's script for a terminal")

interface Directories {
  readonly from: string
  readonly to: string
  readonly sessions: Readonly<Record<string, object>>
}

async function directories(): Promise<Directories> {
  const parent = temporaryDirectory('memory')
  const from = join(parent, 'from')
  const sessions: Record<string, object> = {}
  for (let index = 0; index < COUNT; index++) sessions[`key-${index}`] = { index, text: 'x'.repeat(index) }
  await putSessions(fileStore(from), sessions)
  return { from, to: join(parent, 'to'), sessions }
}

/** A decoder that sends its own process a signal when it decodes the nth session. */
function signalAt(nth: number, signal: NodeJS.Signals): string[] {
  const module = join(temporaryDirectory('memory'), 'decoder.mjs')
  writeFileSync(
    module,
    `let count = 0
     export default (text) => {
       count++
       if (count === ${nth}) process.kill(process.pid, '${signal}')
       return JSON.parse(text)
     }`,
  )
  return ['--decoder', module]
}

async function allIsThere({ to, sessions }: Directories): Promise<void> {
  const engine = new SessionEngine({ directory: to, threads: 1 })
  for (const [key, values] of Object.entries(sessions)) {
    const { cookie, ...rest } = (await engine.load(key)) ?? {}
    assert.equal(rest, values)
    assert.ok(cookie)
  }
  assert.is(await engine.count(), COUNT)
  await engine.close()
}

test('what was killed goes on where it was', async () => {
  const all = await directories()
  const trace = traceOf(all.from)
  const killed = runImport(['session-file-store', all.from, all.to, ...signalAt(200, 'SIGKILL')])
  assert.equal(killed, { status: null, stdout: '', stderr: '' })

  const { stdout, status } = runImport(['session-file-store', all.from, all.to, '--json'])
  assert.is(status, 0)
  const moved = JSON.parse(stdout) as MovedSessions
  assert.ok(moved.existing >= 200 - UNDER_WAY && moved.existing < 200, `${moved.existing} were there`)
  assert.is(moved.imported, COUNT - moved.existing, 'none twice, none lost')
  await allIsThere(all)
  assert.is(traceOf(all.from), trace, 'and nothing is changed where they come from')
})

test('what was interrupted says so, and keeps what it has done', async () => {
  const { from, to } = await directories()
  const interrupted = runImport(['session-file-store', from, to, ...signalAt(100, 'SIGINT')])
  assert.is(interrupted.status, 1)
  const imported = Number(/^(\d+) imported, 0 there already/.exec(interrupted.stdout)?.[1])
  assert.ok(imported < COUNT, `${imported} before it ended`)
  assert.is(interrupted.stderr, 'interrupted; run it again to go on\n')
  const engine = new SessionEngine({ directory: to, threads: 1 })
  assert.is(await engine.count(), imported)
  await engine.close()
})

atTerminal(test, 'a bar shows how far it has come to whoever sits at a terminal', async () => {
  const all = await directories()
  const words = [process.execPath, SCRIPT, 'import', 'session-file-store', all.from, all.to]
  const command = words.map((word) => `'${word}'`).join(' ')
  const { status, stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm' },
  })
  assert.is(status, 0)
  assert.match(stdout, /importing .*% \| \d+ of 300 \| \d+ imported/)
  assert.match(stdout, /300 imported, 0 there already, 0 expired, 0 unreadable, 0 foreign\r\n$/)
  assert.ok(stdout.includes('\u001b[?25h'), 'the cursor is shown again')
})

test.run()
