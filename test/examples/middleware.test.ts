import { join } from 'node:path'
import { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Visitor } from '../session/middleware/web.js'
import { Child } from './child.js'

const test = suite('example: sessions without express-session')
const SERVER = 'examples/middleware/server'

test('it counts, logs in and out, and stores it all', async () => {
  const directory = join(temporaryDirectory('memory'), 'sessions')
  const child = new Child(SERVER, ['--port', '0', '--slow', '0', '--directory', directory])
  const visitor = new Visitor(await child.printed(/http:\S+/))
  const click = async (path: string) => {
    assert.is((await visitor.visit(path, { method: 'POST' })).status, 303)
  }
  const title = async () => /<h1>(.*)<\/h1>/.exec((await visitor.visit()).text)?.[1]
  assert.is(await title(), 'Somebody, 0 visits, 0 slow')
  assert.is(visitor.cookie, undefined)
  await click('/count')
  const before = visitor.cookie
  await click('/login')
  assert.is.not(visitor.cookie, before)
  assert.is(await title(), 'Ada, 1 visit, 0 slow')
  await Promise.all([click('/slow'), click('/count')])
  assert.is(await title(), 'Ada, 2 visits, 1 slow')
  const engine = new SessionEngine({ directory })
  assert.is(await engine.count(), 1)
  await click('/logout')
  assert.is(await title(), 'Somebody, 0 visits, 0 slow')
  assert.is(await engine.count(), 0)
  await engine.close()
  child.process.kill('SIGINT')
  assert.is((await child.end()).code, 0)
})

test('what is wrong is told, with a failing exit code', async () => {
  const { code, errors } = await new Child(SERVER, ['--directory', '/dev/null/sessions']).end()
  assert.is(code, 1)
  assert.match(errors, /^error: the storage could not be opened/)
})

test.run()
