import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { execPath } from 'node:process'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { SCRIPT } from './run-coatcheck.js'

const test = suite('command line: at a terminal')

/** util-linux's, which runs a command at a terminal of its own; others have other options. */
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
const atTerminal = skipUnless(hasScript, "needs util-linux's script for a terminal")

/** What the command writes to a terminal, and its exit code. */
async function typed(
  ...values: readonly string[]
): Promise<{ readonly shown: string; readonly status: unknown }> {
  const command = [execPath, SCRIPT, ...values].map((value) => `'${value}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm' },
  })
  const status = new Promise((resolve) => child.once('close', resolve))
  const shown = await text(child.stdout)
  return { shown, status: await status }
}

const directory = temporaryDirectory()
const engine = new SessionEngine({ storage: files({ directory }), threads: 1, sweepInterval: false })
await engine.save('short', { name: 'value' })
await engine.save('rather-longer', {})
await engine.close()

/** More than fit into one slice: a bar is for what takes a moment. */
const large = temporaryDirectory('memory')
const filler = new SessionEngine({ storage: files({ directory: large }), threads: 1, sweepInterval: false })
await Promise.all(Array.from({ length: 2100 }, (_, index) => filler.save(`key-${index}`, {})))
await filler.close()
// In the last directory, and so in a later slice.
mkdirSync(`${large}/ff`, { recursive: true })
writeFileSync(`${large}/ff/script`, 'no session')

atTerminal(test, 'progress is shown, and taken away; results stay', async () => {
  const [verify, swept] = await Promise.all([typed('verify', large), typed('clear-expired', large)])
  assert.equal([verify.status, swept.status], [1, 0])
  assert.match(verify.shown, /looking .*%/)
  // The line of a bar is cleared, and what follows begins where it was.
  const cleared = '\u001b[2K'
  assert.match(
    verify.shown.split(cleared).at(-1) ?? '',
    /^corrupt\tff\/script\tshorter than a record header\r\n2100 sessions are sound .*\r\n$/,
  )
  const parts = swept.shown.split(cleared)
  assert.match(parts[0] ?? '', /2101 scanned, 0 expired, 0 orphans/)
  assert.match(
    parts.at(-1) ?? '',
    /^2101 scanned, 0 expired, 0 orphans, 1 corrupt\r\nnote: 1 file: no session record\r\n$/,
  )
})

atTerminal(test, 'lists are aligned, and have no bar between their lines', async () => {
  const { shown } = await typed('list', directory)
  const rows = shown.trimEnd().split('\r\n')
  assert.is(rows.length, 2)
  for (const row of rows) assert.match(row, /^(short|rather-longer) {2,}\d{4}-\d\d-\d\dT[\d:.]+Z +\d+$/)
})

atTerminal(test, 'a session is shown in colour, and nothing in it acts on the terminal', async () => {
  const hostile = temporaryDirectory('memory')
  const clear = '\u001b[2J\u202e'
  const engine = new SessionEngine({ directory: hostile, threads: 1, sweepInterval: false })
  await engine.save('a', {
    pattern: new RegExp(`a${clear.replace('[', '\\[')}`),
    error: new Error(clear),
    clear,
  })
  await engine.close()
  const { shown, status } = await typed('show', hostile, 'a')
  assert.is(status, 0)
  assert.match(shown, /\p{Cc}\[32m'Error: /u)
  const colourless = stripVTControlCharacters(shown.replaceAll(/.\[\d\d?m/gu, ''))
  assert.is(colourless, shown.replaceAll(/.\[\d\d?m/gu, ''), 'colours alone')
  assert.not.match(colourless, /[^\P{C}\r\n]/u)
})

test.run()
