import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { runTestFile } from './test-file.js'

const test = suite('runner: one test file')
const UVU = import.meta.resolve('uvu')
const directory = temporaryDirectory()
let counter = 0

function script(body: string): string {
  const file = join(directory, `${counter++}.mjs`)
  writeFileSync(file, `import { suite } from '${UVU}'\nconst test = suite('x')\n${body}\ntest.run()\n`)
  return file
}

test('a file whose tests pass has passed', async () => {
  const result = await runTestFile(script(`test('a', () => {}); test('b', () => {})`), 60_000)
  assert.equal([result.passed, result.failed, result.skipped], [2, 0, 0])
  assert.is(result.problem, undefined)
})

test('each test that throws counts as failed', async () => {
  const result = await runTestFile(
    script(`test('a', () => {}); test('b', () => { throw new Error('no') })`),
    60_000,
  )
  assert.equal([result.passed, result.failed], [1, 1])
  assert.match(result.problem ?? '', /1 failed/)
  assert.match(result.output, /no/)
})

test('a file that exits with 0 before its tests are done has failed', async () => {
  const result = await runTestFile(script(`test('a', () => new Promise(() => {}))`), 60_000)
  assert.is(result.failed, 1)
  assert.match(result.problem ?? '', /exited with|never settled/)
})

test('a file without tests has failed', async () => {
  const result = await runTestFile(script(''), 60_000)
  assert.is(result.failed, 1)
})

test('a file that throws outside its tests has failed', async () => {
  const result = await runTestFile(
    script(`test('a', () => { setImmediate(() => { throw new Error('late') }) })`),
    60_000,
  )
  assert.is(result.failed, 1)
})

test('a file that hangs is killed with the processes it started', async () => {
  const body = `
    import { spawn } from 'node:child_process'
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    console.log('child ' + child.pid)
    test('a', () => new Promise(() => setInterval(() => {}, 1000)))`
  // Its output closes only when the grandchild has gone, too: so this returns at all.
  const result = await runTestFile(script(body), 2_000)
  assert.is(result.failed, 1)
  assert.match(result.problem ?? '', /did not end within 2000 ms/)
  assert.match(result.output, /child \d+/)
})

test('a file that is broken off takes away what it has made', async () => {
  const breakOff = new AbortController()
  process.once('SIGUSR2', () => breakOff.abort())
  const result = await runTestFile(
    script(`
      import { temporaryDirectory } from '${import.meta.resolve('../fixtures/temporary-directory.js')}'
      console.log('made ' + temporaryDirectory() + '.')
      test('a', () => new Promise(() => {
        setInterval(() => {}, 1000)
        process.kill(process.ppid, 'SIGUSR2')
      }))`),
    60_000,
    breakOff.signal,
  )
  assert.is(result.problem, 'was broken off')
  const [, made = ''] = /made (\S+)\./.exec(result.output) ?? []
  assert.ok(made !== '')
  assert.is(existsSync(made), false)
})

test('reasons of skipped tests are passed on', async () => {
  const result = await runTestFile(
    script(`test('a', () => {}); test.skip('b', () => {}); console.log('skipped: b: needs root')`),
    60_000,
  )
  assert.equal([result.passed, result.failed, result.skipped], [1, 0, 1])
  assert.equal(result.skips, ['b: needs root'])
})

test.run()
