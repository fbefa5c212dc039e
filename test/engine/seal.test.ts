import { inspect } from 'node:util'
import { type CorruptNotice, files, json, SessionEngine, type SessionEngineOptions } from 'coatcheck'
import { django } from 'coatcheck/django'
import { CoatcheckStore } from 'coatcheck/express'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sealOption } from '#dist/src/engine/seal-option.js'
import { budget } from '../budget.js'
import { rejection } from '../conformance/rejections.js'
import { showsBytes } from '../fixtures/shown-bytes.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: seal')

const SECRET = 'hunter2'
const NEW = `${SECRET}, the newest of the keys, and more`
const OLD = `${SECRET}, the oldest of the keys, and more`
const directory = 'never-opened'

function refusalOf(options: unknown): string {
  try {
    new SessionEngine(options as SessionEngineOptions)
  } catch (error) {
    if (error instanceof TypeError) return error.message
  }
  throw new Error(`was not refused: ${inspect(options)}`)
}

test('wrong options are told by name, with how to make a key, and never with what was given', () => {
  const wrong: readonly (readonly [seal: unknown, told: RegExp])[] = [
    [SECRET, /^option "seal" is a string of 7 characters; expected \{ keys: \[key\] \}/],
    [null, /^option "seal" is null/],
    [{}, /^option "seal.keys" is undefined; expected an array of keys.*openssl rand -base64 32/],
    [{ keys: [] }, /^option "seal.keys" is an array of 0/],
    [{ keys: NEW }, /^option "seal.keys" is a string of \d+ characters/],
    [
      { keys: [NEW, SECRET] },
      /^option "seal.keys\[1\]" is a string of 7 characters; .*openssl rand -base64 32/,
    ],
    [
      { keys: [Buffer.from(SECRET)] },
      /^option "seal.keys\[0\]" is 7 bytes; expected a string of at least 32/,
    ],
    [{ keys: [{ [SECRET]: SECRET }] }, /^option "seal.keys\[0\]" is of type object/],
    [{ keys: [undefined] }, /^option "seal.keys\[0\]" is undefined/],
    [
      { keys: [NEW, OLD, NEW] },
      /^option "seal.keys\[2\]" is the same as seal.keys\[0\]; expected each key once/,
    ],
    [{ keys: [NEW, Buffer.from(NEW)] }, /^option "seal.keys\[1\]" is the same as seal.keys\[0\]/],
    [
      { keys: [NEW, `${OLD}\n`] },
      /^option "seal.keys\[1\]" is a string with white space at an end; expected a string without/,
    ],
    [{ keys: [` ${NEW}`] }, /^option "seal.keys\[0\]" is a string with white space at an end/],
    [{ keys: [`base64:${NEW}`] }, /^option "seal.keys\[0\]" is a string that begins with base64: or hex:/],
    [
      { keys: [NEW], acceptUnsealed: SECRET },
      /^option "seal.acceptUnsealed" is a string .*; expected true or false/,
    ],
    [{ key: NEW }, /^option "seal.key" is given; expected one of keys, acceptUnsealed/],
  ]
  for (const [seal, told] of wrong) {
    const message = refusalOf({ directory, seal })
    assert.match(message, told)
    assert.not.match(message, new RegExp(SECRET))
  }
  for (const options of [
    { directory, seals: NEW },
    { directory, sealKeys: [NEW] },
    { directory, sealKeys: Buffer.from(NEW) },
    { directory, sealed: { keys: [NEW] } },
  ])
    assert.not.match(refusalOf(options), new RegExp(SECRET))
  assert.throws(
    () => files({ directory, seal: NEW } as never),
    (error: Error) => /files.seal/.test(error.message) && !error.message.includes(SECRET),
  )
  const engine = new SessionEngine({ directory })
  assert.throws(
    () => new CoatcheckStore({ engine, seal: { keys: [NEW] } } as never),
    (error: Error) => /"seal" is { keys: \[Array\] }/.test(error.message) && !error.message.includes(SECRET),
  )
})

test('it goes with a storage that can seal, and with records of our own', () => {
  const shared = files({ directory, layout: 'flat', prefix: 'sessionid' })
  const seal = { keys: [NEW] }
  assert.match(
    refusalOf({ storage: shared, codec: django({ secretKey: 'secret' }), seal }),
    /^option "seal" is given; expected to be absent with the codec django: whoever shares its sessions could not open/,
  )
  const { withSeal: _none, ...storage } = shared
  assert.match(refusalOf({ storage, seal }), /^option "storage" is 'files'; expected one that can seal/)
})

test('keys are derived as they always were', () => {
  const binding = sealOption({ keys: [`é${'k'.repeat(31)}`, new Uint8Array(32)] })
  const [first, second] = binding?.keys ?? []
  // By another program: HKDF of RFC 5869 with SHA-256, empty salt, the two labels.
  assert.is(Buffer.from(first?.key ?? []).toString('hex'), DERIVED_KEY)
  assert.is(first?.id, DERIVED_ID)
  assert.is(binding?.acceptUnsealed, false)
  assert.is(second?.key.length, 32)
})

test('neither the keys nor what is derived from them can be seen', async () => {
  const engine = new SessionEngine({
    directory: temporaryDirectory('memory'),
    threads: 1,
    seal: { keys: [NEW] },
  })
  await engine.save('k', {})
  const shownOf = (value: unknown): string =>
    `${inspect(value, { depth: 20, showHidden: true, maxArrayLength: null })}${JSON.stringify(value)}`
  const shown = `${shownOf(engine)}${shownOf(engine.stats())}`
  const binding = sealOption({ keys: [NEW] })
  const key = binding?.keys[0]?.key
  assert.ok(key !== undefined)
  // It would be found where it is to be seen.
  for (const holder of [{ binding }, { list: [Buffer.from(key)] }])
    assert.ok(showsBytes(shownOf(holder), key))
  assert.not.ok(showsBytes(shown, key))
  assert.not.match(shown, new RegExp(SECRET))
  await engine.close()
})

function engineWith(options: SessionEngineOptions): { engine: SessionEngine; notices: CorruptNotice[] } {
  const engine = new SessionEngine({ threads: 1, sweepInterval: false, ...options })
  const notices: CorruptNotice[] = []
  engine.on('corrupt', (notice) => notices.push(notice))
  return { engine, notices }
}

test('with wrong keys sessions are missing, told of, and there again with the right ones', async () => {
  const storage = files({ directory: temporaryDirectory('memory') })
  const { engine: right } = engineWith({ storage, seal: { keys: [OLD] } })
  await right.save('sesamopen', { cart: ['hat'] })
  for (const options of [{ seal: { keys: [NEW] } }, {}] satisfies Partial<SessionEngineOptions>[]) {
    const { engine, notices } = engineWith({ storage, ...options })
    assert.is(await engine.load('sesamopen'), undefined)
    assert.is(await engine.count(), 1)
    await engine.close()
    assert.is(notices.length, 1)
    assert.match(notices[0]?.reason ?? '', /^sealed.* seal\.keys/)
    assert.is(notices[0]?.keptAs, undefined)
    assert.not.match(JSON.stringify(notices), /sesam|hunter|hat/)
  }
  assert.equal(await right.load('sesamopen'), { cart: ['hat'] })
  await right.close()
})

for (const durability of ['direct', 'journal'] as const) {
  test(`${durability}: with reseal, a sweep seals all that the newest key has not sealed`, async () => {
    const storage = files({ directory: temporaryDirectory('memory'), durability })
    const { engine: before } = engineWith({ storage, codec: json() })
    await before.save('from before', { version: 0 })
    await before.close()
    const { engine: first } = engineWith({ storage, seal: { keys: [OLD], acceptUnsealed: true } })
    const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)
    await Promise.all(keys.map((key, index) => first.save(key, { index })))
    await first.save('dead', {}, { maxAge: -1 })
    await first.close()

    const { engine: second, notices } = engineWith({
      storage,
      codec: json(),
      seal: { keys: [NEW, OLD], acceptUnsealed: true },
    })
    await second.save('key0', { index: 0 })
    let progress = 0
    const result = await second.clearExpired({
      reseal: true,
      onProgress: ({ resealed }) => (progress = resealed),
    })
    assert.equal(
      { resealed: result.resealed, refused: result.refused, expired: result.expired, progress },
      { resealed: 20, refused: 0, expired: 1, progress: 20 },
    )
    assert.is(second.stats().lastSweep?.resealed, 20)
    assert.is((await second.clearExpired()).resealed, 0)
    assert.equal(notices, [])
    await second.close()

    const { engine: third } = engineWith({ storage, seal: { keys: [NEW] } })
    for (const [index, key] of keys.entries()) if (index > 0) assert.equal(await third.load(key), { index })
    await third.close()
  })
}

test('reseal without a seal is refused', async () => {
  const { engine } = engineWith({ directory: temporaryDirectory('memory') })
  const error = await rejection(engine.clearExpired({ reseal: true }), TypeError)
  assert.match(error.message, /^option "reseal" is true; expected an engine with the option seal/)
  const misspelt = await rejection(engine.clearExpired({ resael: true } as never), TypeError)
  assert.match(
    misspelt.message,
    /^option "clearExpired.resael" is true; expected one of onProgress, signal, /,
  )
  await engine.close()
})

test('what others save, touch and delete while everything is sealed anew, again and again, stands', async () => {
  const storage = files({ directory: temporaryDirectory('memory') })
  const open = (keys: string[]): SessionEngine => engineWith({ storage, seal: { keys } }).engine
  const writer = new SessionEngine({ storage, threads: 2, sweepInterval: false, seal: { keys: [NEW, OLD] } })
  const sealers = [open([NEW, OLD]), open([OLD, NEW])]
  const keys = Array.from({ length: 24 }, (_, index) => `key${index}`)
  const engines = [writer, ...sealers]
  const lives = new Map<string, number>()
  const stored = new Map<string, number>()
  const resealed = sealers.map(() => 0)
  const rounds = budget({ usual: 10, full: 1000 })
  let stopped = false
  const sealAgainAndAgain = async (): Promise<void> => {
    try {
      while (!stopped) {
        for (const [index, sealer] of sealers.entries()) {
          const result = await sealer.clearExpired({ reseal: true })
          resealed[index] = (resealed[index] ?? 0) + result.resealed
        }
      }
    } finally {
      stopped = true
    }
  }
  const oneRound = async (round: number): Promise<void> => {
    await Promise.all(
      keys.map(async (key, index) => {
        const life = 1000 + round
        switch ((round + index) % 4) {
          case 0:
            await writer.delete(key)
            stored.delete(key)
            break
          case 1:
            await writer.create(key, { round })
            stored.set(key, round)
            lives.delete(key)
            break
          case 2:
            assert.is(await writer.touch(key, { maxAge: life }), stored.has(key))
            lives.set(key, Date.now() + life * 1000)
            break
          default:
            if (stored.has(key)) await writer.update(key, { round })
            else await writer.save(key, { round })
            stored.set(key, round)
            lives.delete(key)
        }
        const found = await writer.loadWithExpiry(key)
        assert.equal(
          found?.session,
          stored.has(key) ? { round: stored.get(key) } : undefined,
          `round ${round}`,
        )
        const expected = lives.get(key)
        // A touch that was told that it is done has moved the expiry: all others give two weeks.
        if (found !== undefined && expected !== undefined)
          assert.ok(Math.abs(found.expires.getTime() - expected) < 60_000, `round ${round}`)
      }),
    )
  }
  // How many rounds it takes until each has sealed enough of what the other had depends on the machine.
  const isEnough = (): boolean => resealed.every((count) => count >= keys.length)
  await Promise.all(engines.map((engine) => engine.ready()))
  const sealing = sealAgainAndAgain()
  try {
    for (let round = 0; !stopped && (round < rounds || !isEnough()); round++) await oneRound(round)
  } finally {
    stopped = true
    await sealing
  }
  for (const engine of engines) {
    for (const key of keys)
      assert.equal(await engine.load(key), stored.has(key) ? { round: stored.get(key) } : undefined)
    await engine.close()
  }
})

const DERIVED_KEY = '4a4a2d71a4159c89064dfc3edea53ab7064186a52e54e8115b97ca7eed40f8ee'
const DERIVED_ID = Buffer.from('94e26e6e', 'hex').readUInt32LE()

test.run()
