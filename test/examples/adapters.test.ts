import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/*
 * The examples of adapters, as a reader would start them.
 */

const test = suite('examples: hono and unstorage')

function start(example: string, directory: string) {
  const path = fileURLToPath(new URL(`../../examples/${example}`, import.meta.url))
  const child = fork(path, [directory], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  process.once('exit', () => child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no output')
  return { child, lines: createInterface({ input: child.stdout }) }
}

test('hono: it prints its URL, counts visits over restarts, and ends when it is told to', async () => {
  const directory = temporaryDirectory('memory')
  let cookie = ''
  for (const visits of ['once', '2 times']) {
    const { child, lines } = start('hono/server.js', directory)
    const exited = once(child, 'exit')
    try {
      const [line] = (await once(lines, 'line')) as [string]
      const url = line.split(' ')[0] ?? ''
      const response = await fetch(url, { headers: { cookie, connection: 'close' } })
      assert.is(await response.text(), `You have been here ${visits}.\n`)
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    } finally {
      child.kill('SIGTERM')
    }
    assert.equal((await exited).slice(0, 1), [0])
  }
})

test('unstorage: what one run has stored the next one finds', async () => {
  const directory = temporaryDirectory('memory')
  for (const runs of [1, 2]) {
    const { child, lines } = start('unstorage/items.js', directory)
    const exited = once(child, 'exit')
    const printed: string[] = []
    for await (const line of lines) printed.push(line)
    assert.equal((await exited).slice(0, 1), [0])
    assert.match(printed[0] ?? '', /: disk:code:1234, disk:user:ada$/)
    assert.match(printed[1] ?? '', new RegExp(`runs: ${runs} `))
    assert.match(printed[2] ?? '', /lives for 60 seconds/)
  }
})

test.run()
