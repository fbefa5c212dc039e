import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Visitor } from '../adapters/visitor.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Child } from './child.js'

const test = suite('examples: visits, with Fastify and with Koa')

// For the examples, which inherit it: any port that is free.
process.env.PORT = '0'

async function visits(visitor: Visitor): Promise<string | undefined> {
  return /(?<=<output>)\d+/.exec(await visitor.read('/'))?.[0]
}

for (const name of ['fastify', 'koa']) {
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

test.run()
