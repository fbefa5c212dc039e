import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Visitor } from '../adapters/visitor.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Child } from './child.js'

const test = suite('examples: visits, with Fastify, with Hono and with Koa')

// For the examples, which inherit it: any port that is free.
process.env.PORT = '0'

async function visits(visitor: Visitor): Promise<string | undefined> {
  return /(?<=<output>)\d+/.exec(await visitor.read('/'))?.[0]
}

for (const name of ['fastify', 'hono', 'koa']) {
  test(`${name}: visits are counted until one wants to be forgotten`, async () => {
    const child = new Child(`examples/${name}/server`, [join(temporaryDirectory('memory'), 'sessions')])
    const visitor = new Visitor(await child.printed(/http:\S+(?=\n)/))
    assert.is(await visits(visitor), '1')
    assert.is(await visits(visitor), '2')
    const old = visitor.twin()
    assert.is((await visitor.post('/forget')).status, 303)
    assert.is(await visits(visitor), '1')
    assert.is(await visits(old), '1', 'the old cookie still counts')
    child.process.kill('SIGTERM')
    const { code, errors } = await child.end()
    assert.is(errors, '')
    assert.is(code, 0)
  })
}

test('hono: visits are counted over restarts, and no link makes a visitor be forgotten', async () => {
  const directory = join(temporaryDirectory('memory'), 'sessions')
  let cookie = ''
  for (const count of ['1', '2']) {
    const child = new Child('examples/hono/server', [directory])
    try {
      const url = await child.printed(/http:\S+(?=\n)/)
      const headers = { cookie, connection: 'close' }
      assert.is((await fetch(`${url}/forget`, { headers })).status, 404)
      const response = await fetch(url, { headers })
      assert.is(/(?<=<output>)\d+/.exec(await response.text())?.[0], count)
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    } finally {
      child.process.kill('SIGTERM')
    }
    assert.is((await child.end()).code, 0)
  }
})

test.run()
