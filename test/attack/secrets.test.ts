import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { files, SessionEngine } from 'coatcheck'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ExitCode } from '#dist/src/cli/exit-codes.js'
import { sealOption } from '#dist/src/engine/seal-option.js'
import { coatcheck } from '../cli/run-coatcheck.js'
import { Fault, type FaultPlan, faultsMissing } from '../faults/fault.js'
import { showsBytes } from '../fixtures/shown-bytes.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import { coats, ENCRYPTED, readableIn, SECRETS, WHOLE } from './secrets.js'

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs the child; all that it, its threads and Node itself have printed. */
async function run(mode: string, fault?: Fault): Promise<Ended> {
  const child = fork(new URL('secrets-child.js', import.meta.url), [mode], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...fault?.environment },
    // A worker that runs out of memory should not need long for it.
    execArgv: ['--max-old-space-size=128'],
  })
  answerWith(child, fault)
  const { stdout, stderr } = child
  assert.ok(stdout !== null && stderr !== null)
  const [[code], ...outputs] = await Promise.all([once(child, 'close'), text(stdout), text(stderr)])
  return { code: code as number | null, output: outputs.join('\n') }
}

type Wish = { readonly plan?: FaultPlan; readonly directory: string }

function answerWith(child: ChildProcess, fault: Fault | undefined): void {
  child.on('message', ({ plan, directory }: Wish) => {
    if (plan === undefined) fault?.lift()
    else fault?.set({ ...plan, path: directory })
    child.send('done')
  })
}

const CODES = [
  'COATCHECK_CLOSED',
  'COATCHECK_CONFLICT',
  'COATCHECK_ENCODE',
  'COATCHECK_EXISTS',
  'COATCHECK_INVALID_KEY',
  'COATCHECK_MISSING',
  'COATCHECK_OVERLOADED',
  'COATCHECK_OWNED',
  'COATCHECK_SECRET',
  'COATCHECK_STORAGE',
  'COATCHECK_UNSUPPORTED',
  'CLOSE_TIMEOUT',
  'WORKER_LOST',
]

/** What a journal says that is not sealed as its engine was told. */
const SEALS = ['SEALED', 'SEAL_KEY_UNKNOWN', 'NOT_SEALED']

test('the search finds a secret in every coat', () => {
  for (const secret of Object.values(SECRETS)) {
    for (const coat of coats(secret)) assert.is(readableIn(`before ${coat} behind`).length, 1, coat)
    // As something else shows it, not as the search is made.
    const bytes = Buffer.from(`xy${secret}`)
    for (const value of [bytes, new Uint8Array(bytes), [...bytes], { list: [new Uint8Array(bytes)] }]) {
      assert.equal(readableIn(JSON.stringify(value)).length, 1)
      for (const options of [WHOLE, {}]) assert.equal(readableIn(inspect(value, options)).length, 1)
    }
    assert.equal(readableIn(Buffer.from(`x${secret}yz`).toString('base64')).length, 1)
  }
  assert.equal(readableIn('nothing'), [])
})

skipWhere(faultsMissing())(
  test,
  'no error, event or inspection shows a key, a session or a secret',
  async () => {
    const fault = new Fault('coatcheck-test-')
    const { code, output } = await run('faults', fault).finally(() => fault.close())
    assert.is(code, 0, output.slice(-3000))
    const line = /codes: (.*)/.exec(output)?.[1]?.split(' ') ?? []
    for (const expected of [...CODES, ...SEALS, 'EIO', 'ENOSPC', 'EMFILE', 'EROFS', 'EPERM']) {
      assert.ok(line.includes(expected), `${expected} was not brought about: ${line.join(' ')}`)
    }
    const leaks = output.split('\n').filter((shown) => readableIn(shown).length > 0)
    assert.equal(leaks.slice(0, 5), [])
    assert.equal(readableIn(output), [])
    for (const { key } of sealOption({ keys: [SECRETS.signing, SECRETS.payload] })?.keys ?? []) {
      assert.not.ok(showsBytes(output, key), 'a key that was derived can be read')
    }
  },
)

test('an error that nobody has caught ends the process, and shows none either', async () => {
  const { code, output } = await run('crash')
  assert.is.not(code, 0)
  assert.match(output, /CreateError/)
  assert.equal(readableIn(output), [])
})

test('commands that are not asked for keys show none', async () => {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  await engine.save(SECRETS.key, { note: SECRETS.payload })
  await engine.save(`${SECRETS.key}2`, { note: SECRETS.payload }, { expires: new Date(Date.now() - 1) })
  await engine.close()
  const old = temporaryDirectory()
  writeFileSync(`${old}/${SECRETS.key}.json`, `{"cookie":{},"note":"${SECRETS.payload}"`)
  writeFileSync(`${directory}/${SECRETS.key}3`, SECRETS.payload)
  const encrypted = temporaryDirectory()
  writeFileSync(`${encrypted}/${SECRETS.key}.json`, ENCRYPTED)
  writeFileSync(`${encrypted}/sessionid${SECRETS.key}`, `${SECRETS.payload}:1tKOAb:${SECRETS.payload}`)
  const secretFile = `${temporaryDirectory()}/secret`
  writeFileSync(secretFile, `${SECRETS.signing}\n`)
  const into = `${temporaryDirectory()}/into`
  const rows: readonly (readonly [status: number, values: readonly string[]])[] = [
    [ExitCode.DONE, ['count', directory]],
    [ExitCode.DONE, ['stats', directory]],
    [ExitCode.DONE, ['clear-expired', directory]],
    [ExitCode.DONE, ['recover', directory]],
    [ExitCode.DONE, ['import', 'session-file-store', old, directory]],
    [ExitCode.FAILED, ['import', 'session-file-store', old, `${into}-from-old`]],
    [ExitCode.WRONG_USAGE, ['import', 'session-file-store', '--from', old, '--to', directory]],
    [ExitCode.WRONG_USAGE, ['count', '--no-such-option', directory]],
    [ExitCode.FAILED, ['import', 'session-file-store', encrypted, into, '--secret-file', secretFile]],
    [ExitCode.WRONG_USAGE, ['import', 'session-file-store', encrypted, into, '--secret', SECRETS.signing]],
    [
      ExitCode.WRONG_USAGE,
      ['import', 'session-file-store', encrypted, into, '--crypto', `{"secret": ${SECRETS.signing}}`],
    ],
    [ExitCode.FAILED, ['import', 'django', encrypted, into, '--secret-key-file', secretFile]],
  ]
  for (const [expected, values] of rows) {
    const { status, stdout, stderr } = await coatcheck(...values)
    assert.ok(stdout + stderr !== '', values.join(' '))
    assert.is(status, expected, values.join(' ') + stderr)
    assert.equal(readableIn(stdout + stderr), [], values[0])
  }
})

test.run()
