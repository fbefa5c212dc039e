import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Layout } from '#dist/workers/files/layout.js'
import { decodeName, digestName, encodeName, isDigestName } from '#dist/workers/files/names.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import { workerOptions } from './storage-driver.js'

const names = suite('names')

const LONGEST_ENTRY = 255
const SAFE = /^(?:~[0-9a-f]{64}|[a-z0-9_\-+=]+)$/
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

const unit = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  fc.integer({ min: 0, max: 0xffff }),
  fc.integer({ min: 0xd800, max: 0xdfff }),
)
/** Any string that is a session key: 1 to 256 UTF-16 code units, lone surrogates included. */
const key = fc.oneof(
  fc.array(unit, { minLength: 1, maxLength: 256 }).map((units) => String.fromCharCode(...units)),
  fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'aAbBzZ09_-+=~./\\ ') }),
  fc.constantFrom(
    'con',
    'CON',
    'Con',
    'nul',
    'com1',
    'LPT9',
    '.',
    '..',
    '../x',
    '~',
    'a\0b',
    '\u{1f9e5}',
    'é',
    'e\u0301',
  ),
)

names('every key comes back from its name, or its name is the digest of it', () => {
  fc.assert(
    fc.property(key, (text) => {
      const name = encodeName(text)
      const decoded = decodeName(name)
      assert.ok(decoded !== undefined)
      if ('digest' in decoded) assert.is(name, digestName(text))
      else assert.is(decoded.key, text)
      assert.is('digest' in decoded, isDigestName(name))
    }),
    { numRuns: 2000 },
  )
})

names('a name is made of safe characters, is not reserved and does not begin with a dot', () => {
  fc.assert(
    fc.property(key, (text) => {
      const name = encodeName(text)
      assert.match(name, SAFE)
      assert.not.match(name, RESERVED)
      assert.not.ok(name.startsWith('.'))
    }),
    { numRuns: 2000 },
  )
})

names('two keys have two names, also where the file system ignores case', () => {
  const near = fc.tuple(key, key).map(([one, other]) => [one, other] as const)
  const twins = key.map(
    (text) => [text, text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()] as const,
  )
  fc.assert(
    fc.property(fc.oneof(near, twins), ([one, other]) => {
      fc.pre(one !== other)
      assert.is.not(encodeName(one).toLowerCase(), encodeName(other).toLowerCase())
    }),
    { numRuns: 2000 },
  )
})

names('a prefix does not make a reserved name of a key', () => {
  for (const [prefix, rest] of [
    ['c', 'on'],
    ['CO', 'm1'],
    ['com', '1'],
    ['nu', 'l'],
    ['LPT', '9'],
    ['', 'aux'],
  ] as const) {
    const layout = new Layout(workerOptions({ layout: 'flat', prefix, directory: '/sessions' }))
    const fileName = layout.place(rest, keyHash(rest)).file.slice('/sessions/'.length)
    assert.not.match(fileName, RESERVED, `${prefix} and ${rest}`)
    assert.equal(layout.classify(fileName), { kind: 'session', name: { key: rest } })
  }
})

names('everything that is made of a name fits into a directory entry', () => {
  const prefix = 'p'.repeat(64)
  const layout = new Layout(workerOptions({ layout: 'flat', prefix, directory: '/sessions' }))
  // A counter that has gone round in a long life of a worker has more digits.
  const counterDigits = 5
  fc.assert(
    fc.property(
      fc.oneof(
        key,
        fc.integer({ min: 100, max: 256 }).map((length) => 'k'.repeat(length)),
      ),
      (text) => {
        const place = layout.place(text, keyHash(text))
        for (const path of [place.file, place.held, layout.aside(place)]) {
          const entry = path.slice('/sessions/'.length)
          assert.ok(
            Buffer.byteLength(entry) + counterDigits <= LONGEST_ENTRY,
            `${entry.length} bytes: ${entry}`,
          )
        }
      },
    ),
    { numRuns: 1000 },
  )
})

names('entries are told apart by their names', () => {
  const prefix = 'app'
  const layout = new Layout(workerOptions({ layout: 'flat', prefix, directory: '/sessions' }))
  fc.assert(
    fc.property(key, (text) => {
      const place = layout.place(text, keyHash(text))
      const kind = (path: string) => layout.classify(path.slice('/sessions/'.length)).kind
      assert.is(kind(place.file), 'session')
      assert.is(kind(layout.aside(place)), 'aside')
      assert.is(kind(layout.temporary('/sessions')), 'temporary')
      const origin = place.file.slice('/sessions/'.length)
      const taken = place.held.slice('/sessions/'.length)
      assert.equal(layout.classify(taken), { kind: 'taken', origin })
      const claim = place.claim.slice('/sessions/'.length)
      assert.equal(layout.classify(claim), { kind: 'claim', origin })
    }),
    { numRuns: 500 },
  )
})

names('names that are not ours, or not as we would write them, are foreign', () => {
  const foreign = [
    '',
    'A',
    'a.b',
    'con',
    '+',
    '+1',
    '+aa+',
    '=',
    '=12',
    '=0061',
    '=00FF',
    '=zzzz',
    '~',
    '~12',
    'ä',
    'a b',
  ]
  for (const name of foreign) assert.is(decodeName(name), undefined, name)
  assert.is(decodeName('a'.repeat(200)), undefined, 'longer than we would write')
  assert.is(decodeName(`~${'A'.repeat(64)}`), undefined)
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: fc.constantFrom(...'abcAB01f=+~_-.') }), (name) => {
      const decoded = decodeName(name)
      if (decoded !== undefined && 'key' in decoded) assert.is(encodeName(decoded.key), name)
    }),
    { numRuns: 3000 },
  )
  const layout = new Layout(workerOptions({ layout: 'flat', prefix: 'app' }))
  for (const name of ['.hidden', '.x.tmp', 'other', 'app', '.app.gon', '.appx.taken-12', 'appX']) {
    assert.is(layout.classify(name).kind, 'foreign', name)
  }
})

names('names on disk do not change from release to release', () => {
  assert.is(encodeName('0123456789abcdefghijklmnopqrstuv'), '0123456789abcdefghijklmnopqrstuv')
  assert.is(encodeName('aB-_9'), 'a+b-_9')
  assert.is(encodeName('../x'), '=002e=002e=002fx')
  assert.is(encodeName('con'), '=0063on')
  assert.is(encodeName('\ud83e'), '=d83e')
  assert.is(digestName('a'), '~ffe9aaeaa2a2d5048174df0b80599ef0197ec024c4b051bc9860cff58ef7f9f3')
})

names.run()
