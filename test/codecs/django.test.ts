import { mkdirSync, writeFileSync } from 'node:fs'
import {
  EncodeError,
  type FilesOptions,
  files,
  InvalidSessionKeyError,
  OwnedError,
  SessionEngine,
  StorageError,
} from 'coatcheck'
import { type DjangoOptions, django } from 'coatcheck/django'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { segmentName } from '#dist/workers/files/journal/segment.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('codecs: django')

const codec = django({ secretKey: 'secret' })

function refusal(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    if (error instanceof Error) return error
  }
  return assert.unreachable('nothing was refused') as never
}

test('sessions are JSON of ASCII alone, and come back', () => {
  const session = { text: 'häßlich 👜 \ud800', list: [1, null, { a: true }] }
  const bytes = codec.encode(session)
  assert.ok(bytes.every((byte) => byte < 0x80))
  assert.is(
    Buffer.from(bytes).toString('latin1'),
    '{"text":"h\\u00e4\\u00dflich \\ud83d\\udc5c \\ud800","list":[1,null,{"a":true}]}',
  )
  assert.equal(codec.decode(bytes), session)
})

test('what JSON has no word for is refused, and what is no object', () => {
  const error = refusal(() => codec.encode({ cart: [{ price: 7n }] }))
  assert.instance(error, EncodeError)
  assert.is((error as EncodeError).path, 'cart[0].price')
  for (const made of [[], 'text', 7, null]) {
    assert.instance(
      refusal(() => codec.encode({ toJSON: () => made })),
      EncodeError,
    )
  }
  assert.instance(
    refusal(() => codec.encode([])),
    EncodeError,
  )
  refusal(() => codec.decode(Buffer.from('[]')))
  refusal(() => codec.decode(Buffer.from('no JSON')))
})

test('wrong options are refused, and no secret is shown', () => {
  const secret = 'do-not-show-me'
  const wrong: readonly [options: object, name: string][] = [
    [{}, 'secretKey'],
    [{ secretKey: '' }, 'secretKey'],
    [{ secretKey: [secret] }, 'secretKey'],
    [{ secretKey: { secret } }, 'secretKey'],
    [{ secretKey: secret, fallbackKeys: secret }, 'fallbackKeys'],
    [{ secretKey: secret, fallbackKeys: ['good', { secret }] }, 'fallbackKeys[1]'],
    [{ secretKey: secret, cookieAge: 0 }, 'cookieAge'],
    [{ secretKey: secret, expireIdle: 'yes' }, 'expireIdle'],
    [{ secretKey: secret, salt: '' }, 'salt'],
    [{ secretKey: secret, SECRET_KEY: 7 }, 'django.SECRET_KEY'],
  ]
  for (const [options, name] of wrong) {
    const error = refusal(() => django(options as DjangoOptions))
    assert.instance(error, TypeError)
    assert.match(error.message, new RegExp(`^option "${name.replace(/[.[\]]/g, '\\$&')}" is `))
    assert.not.match(error.message, secret)
  }
})

test('a storage where Django would not find its sessions is refused', () => {
  const wrong: readonly [Omit<FilesOptions, 'directory'>, RegExp][] = [
    [{}, /^option "layout" is 'sharded'; expected 'flat'/],
    [{ layout: 'flat' }, /^option "prefix" is ''; expected Django's SESSION_COOKIE_NAME/],
    [{ layout: 'flat', prefix: '', hashNames: true }, /^option "prefix" is ''/],
    [
      { layout: 'flat', prefix: 'sessionid', durability: 'journal' },
      /^option "durability" is 'journal'; expected 'direct'/,
    ],
    [{ layout: 'flat', prefix: 'sessionid', hashNames: true }, /^option "hashNames" is true; expected false/],
  ]
  for (const [options, message] of wrong) {
    const error = refusal(() => new SessionEngine({ storage: files({ ...options, directory: 'x' }), codec }))
    assert.instance(error, TypeError)
    assert.match(error.message, message)
  }
  const { withRecordFormat: _, ...other } = files({ directory: 'x' })
  const error = refusal(() => new SessionEngine({ storage: { ...other, kind: 'other' }, codec }))
  assert.instance(error, TypeError)
  assert.match(error.message, /^option "storage" is 'other'; expected files/)
})

test('keys that Django would not make are refused', async () => {
  const storage = files({ directory: temporaryDirectory('memory'), layout: 'flat', prefix: 'sessionid' })
  const engine = new SessionEngine({ storage, codec, threads: 1 })
  for (const key of ['Abc', 'a-b', '../x', 'x'.repeat(129), 'é']) {
    const error = await rejection(engine.save(key, {}), InvalidSessionKeyError)
    assert.not.match(error.message, key)
  }
  await engine.save('x'.repeat(128), { a: 1 })
  assert.equal(await engine.load('x'.repeat(128)), { a: 1 })
  await engine.close()
})

test('a directory with a journal of other sessions is not opened', async () => {
  const directory = temporaryDirectory('memory')
  const storage = files({ directory, layout: 'flat', prefix: 'sessionid' })
  const open = (): Promise<void> => new SessionEngine({ storage, codec, threads: 1 }).ready()
  const journal = new SessionEngine({ storage: files({ directory, durability: 'journal' }), threads: 1 })
  await journal.save('a', { a: 1 })
  await rejection(open(), OwnedError)
  await journal.close()
  await open()
  mkdirSync(`${directory}/.journal`, { recursive: true })
  writeFileSync(`${directory}/.journal/${segmentName(1)}`, 'left over')
  const error = await rejection(open(), StorageError)
  assert.match(error.message, 'coatcheck recover')
})

test.run()
