import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Child } from './child.js'

/*
 * The example of the driver, as a reader would start it.
 */

const test = suite('examples: unstorage')

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

test('unstorage: a directory of its own goes when it ends', async () => {
  const { code, output, errors } = await new Child('examples/unstorage/items', []).end()
  assert.is(code, 0, errors)
  const directory = /(?<=items in )[^:]+/.exec(output)?.[0] ?? ''
  assert.match(directory, /sessions$/)
  assert.not(existsSync(dirname(directory)))
})

test.run()
