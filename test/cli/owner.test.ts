import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { coatcheck } from './run-coatcheck.js'

/*
 * What root writes for a server that is not root, the server cannot read: its visitors would be logged out, and the engine
 * would tell of nothing but EACCES.
 */

const test = suite('command line: sessions of another user')
const asRoot = skipUnless(process.geteuid?.() === 0, 'needs root, who may give files away')

const SERVER = 65_534

async function directoryWith(layout: 'sharded' | 'flat'): Promise<string> {
  const directory = temporaryDirectory('memory')
  const storage = files({ directory, layout })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  await engine.save('k', {})
  await engine.close()
  return directory
}

function giveAway(...paths: readonly string[]): void {
  execFileSync('chown', ['-R', String(SERVER), ...paths])
}

const REFUSED =
  /^error: the sessions in .* are those of the user with the id 65534, .* user 0 .*sudo -u '#65534'\n$/

asRoot(test, 'commands that write are refused, and nothing is done', async () => {
  const source = temporaryDirectory('memory')
  for (const layout of ['sharded', 'flat'] as const) {
    const directory = await directoryWith(layout)
    giveAway(directory)
    const outcomes = await Promise.all([
      coatcheck('clear-expired', directory),
      coatcheck('recover', directory),
      coatcheck('import', 'session-file-store', source, directory),
    ])
    for (const { status, stdout, stderr } of outcomes) {
      assert.match(stderr, REFUSED)
      assert.equal([status, stdout], [2, ''])
    }
    assert.is((await coatcheck('count', directory)).stdout, '1\n')
  }
})

asRoot(
  test,
  'whose the sessions are tells what is in the directory or, if nothing is, the directory',
  async () => {
    const empty = temporaryDirectory('memory')
    chownSync(empty, SERVER, SERVER)
    const journal = temporaryDirectory('memory')
    mkdirSync(`${journal}/.journal`, { mode: 0o700 })
    chownSync(`${journal}/.journal`, SERVER, SERVER)
    // Made by root for a group that the server is in.
    const grouped = await directoryWith('sharded')
    giveAway(grouped)
    chownSync(grouped, 0, 0)
    for (const directory of [empty, journal, grouped])
      assert.match((await coatcheck('recover', directory)).stderr, REFUSED)
    const ours = await directoryWith('flat')
    chownSync(ours, SERVER, SERVER)
    assert.is((await coatcheck('clear-expired', ours)).status, 0)
  },
)

asRoot(test, 'sessions of Django are only removed, which nobody minds', async () => {
  const directory = temporaryDirectory('memory')
  giveAway(directory)
  process.env.DJANGO_SECRET_KEY = 'secret'
  const { status, stderr } = await coatcheck('clear-expired', directory, '--django')
  delete process.env.DJANGO_SECRET_KEY
  assert.equal([status, stderr], [0, ''])
})

test.run()
