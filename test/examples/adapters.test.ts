import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Child } from './child.js'

/*
 * The examples of adapters, as a reader would start them.
 */

const test = suite('examples: hono and unstorage')

test('hono: it prints its URL, counts visits over restarts, and ends when it is told to', async () => {
  const directory = temporaryDirectory('memory')
  let cookie = ''
  for (const visits of ['once', '2 times']) {
    const child = new Child('examples/hono/server', [directory])
    try {
      const url = await child.printed(/http:\S+/)
      const response = await fetch(url, { headers: { cookie, connection: 'close' } })
      assert.is(await response.text(), `You have been here ${visits}.\n`)
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    } finally {
      child.process.kill('SIGTERM')
    }
    assert.is((await child.end()).code, 0)
  }
})

test('unstorage: what one run has stored the next one finds', async () => {
  const directory = temporaryDirectory('memory')
  for (const runs of [1, 2]) {
    const { code, output, errors } = await new Child('examples/unstorage/items', [directory]).end()
    assert.is(code, 0, errors)
    assert.match(output, /: disk:code:1234, disk:user:ada\n/)
    assert.match(output, new RegExp(`runs: ${runs} `))
    assert.match(output, /lives for \d+ seconds/)
  }
})

test.run()
