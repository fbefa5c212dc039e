import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { execPath } from 'node:process'
import { type Codec, files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { treeOf } from '../workers/files/inspect/tree.js'
import { coatcheck, jsonLines, SCRIPT } from './run-coatcheck.js'

const test = suite('command line: verify')

/** An application's own codec, or one that claims to be msgpack and is not. */
function codec(id: number, bytes: string): Codec {
  return { name: 'own', id, encode: () => Buffer.from(bytes), decode: () => ({}) }
}

async function save(directory: string, keys: readonly string[], own?: Codec): Promise<void> {
  const storage = files({ directory, layout: 'flat', prefix: 'shop' })
  const engine = new SessionEngine({
    storage,
    threads: 1,
    sweepInterval: false,
    ...(own === undefined ? {} : { codec: own }),
  })
  await Promise.all(keys.map((key) => engine.save(key, { key })))
  await engine.close()
}

function edit(file: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(file, change(readFileSync(file)))
  utimesSync(file, 2e9, 2e9)
}

test('every finding is told, and damage is a failure; nothing is changed', async () => {
  const directory = temporaryDirectory()
  await save(directory, ['good', 'cut', 'flipped'])
  await save(directory, ['refused'], codec(1, '\xc1'))
  await save(directory, ['own'], codec(1000, 'whatever'))
  edit(`${directory}/shopcut`, (bytes) => bytes.subarray(0, -1))
  edit(`${directory}/shopflipped`, (bytes) => bytes.fill(0xff, bytes.length - 1))
  writeFileSync(`${directory}/shopscript`, '#!/bin/sh\necho this is no session, but a program of somebody\n')
  writeFileSync(`${directory}/notes\n\u001b[2J`, '')
  const token = '0123456789abcdef01234567'
  writeFileSync(`${directory}/.${token}-1.tmp`, '')
  writeFileSync(`${directory}/.shopx.corrupt-${token}-1`, '')
  writeFileSync(`${directory}/.shopx.claim`, '')
  mkdirSync(`${directory}/.journal`)
  writeFileSync(`${directory}/.journal/000000000001.log.0123abcd.damaged`, '')
  const before = treeOf(directory)
  const [text, lines] = await Promise.all([
    coatcheck('verify', directory, '--prefix', 'shop'),
    coatcheck('verify', directory, '--prefix', 'shop', '--json'),
  ])
  assert.equal([text.status, text.stderr, lines.status, lines.stderr], [1, '', 1, ''])
  const rows = text.stdout.trimEnd().split('\n')
  assert.equal(
    rows
      .slice(0, -1)
      .filter((row) => !row.includes('claim'))
      .sort(),
    [
      'aside\t.journal/000000000001.log.0123abcd.damaged',
      `aside\t.shopx.corrupt-${token}-1`,
      'corrupt\tshopcut\tnot as long as it says',
      'corrupt\tshopflipped\tchecksum does not match',
      'corrupt\tshoprefused\tthe codec msgpack refuses the payload',
      'corrupt\tshopscript\tno session record',
      'foreign\tnotes\\u000a\\u001b[2J',
    ],
  )
  assert.match(
    rows.at(-1) ?? '',
    /^2 sessions are sound \(2 live, 0 expired, 1 of a codec that could not be asked\), 4 corrupt, [01] orphaned \([12] more may be in use\), 2 kept aside, 1 foreign$/,
  )
  const found = jsonLines(lines.stdout) as Record<string, unknown>[]
  assert.equal(
    found.find(({ file }) => file === 'shopcut'),
    { kind: 'corrupt', file: 'shopcut', reason: 'not as long as it says' },
  )
  const sums = found.at(-1)
  assert.equal([sums?.kind, sums?.corrupt, sums?.live], ['sums', 4, 2])
  assert.equal(treeOf(directory), before)
})

test('a sound directory is no failure', async () => {
  const directory = temporaryDirectory()
  await save(directory, ['a', 'b'])
  assert.equal(await coatcheck('verify', directory, '--prefix', 'shop'), {
    status: 0,
    stdout: '2 sessions are sound (2 live, 0 expired), 0 corrupt, 0 orphaned, 0 kept aside, 0 foreign\n',
    stderr: '',
  })
})

test('what cannot be read is told, and makes a failure of what cannot be the whole', async () => {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ storage: files({ directory }), threads: 1, sweepInterval: false })
  await engine.save('a', {})
  await engine.close()
  const [own] = readdirSync(directory)
  // Nobody can list it, not even root.
  const other = own === '00' ? '01' : '00'
  writeFileSync(`${directory}/${other}`, '')
  const [verify, count] = await Promise.all([coatcheck('verify', directory), coatcheck('count', directory)])
  assert.match(
    verify.stdout,
    new RegExp(`^unreadable\t${other}\tENOTDIR\n1 sessions are sound .*, 1 unreadable,`),
  )
  assert.equal([verify.status, count.status, count.stdout], [1, 1, '1\n'])
  assert.match(count.stderr, /^error: 1 files could not be read/)
})

test('a reader that leaves early is no failure', async () => {
  const directory = temporaryDirectory()
  const keys = Array.from({ length: 3000 }, (_, index) => `${'k'.repeat(100)}${index}`)
  await save(directory, keys)
  assert.is(readdirSync(directory).length, 3000)
  const child = spawn(execPath, [SCRIPT, 'list', directory, '--prefix', 'shop'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  child.stdout.once('data', () => child.stdout.destroy())
  const status = await new Promise((resolve) => child.once('close', resolve))
  assert.equal([status, Buffer.concat(errors).toString()], [0, ''])
})

test.run()
