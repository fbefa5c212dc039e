import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSessionKey, newSessionKey } from '#dist/src/session/keys.js'

const test = suite('session: keys')

test('new keys are 32 of 36 characters, each as likely as the other', () => {
  const KEYS = 20_000
  const counts = new Map<string, number>()
  const keys = new Set<string>()
  for (let index = 0; index < KEYS; index++) {
    const key = newSessionKey()
    assert.match(key, /^[a-z0-9]{32}$/)
    assert.ok(isSessionKey(key))
    keys.add(key)
    for (const character of key) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  assert.is(keys.size, KEYS)
  assert.is(counts.size, 36)
  // With a byte modulo 36, four characters would come up a seventh oftener: 250 times the variance that chance has.
  const expected = (KEYS * 32) / 36
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // Of 35 degrees of freedom; chance goes past it once in 10^12.
  assert.ok(chiSquare < 140, `chi-square ${chiSquare}`)
})

test.run()
