import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

/*
 * Signatures are compared in a time that tells nothing of where they differ. No clock can prove that; what can be shown is
 * that each comparison goes through `crypto.timingSafeEqual`, with both signatures in its hands.
 */

/** Loaded first: counts calls, before any module has taken hold of the function. */
const SPY = `
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
const real = crypto.timingSafeEqual
globalThis.compared = []
crypto.timingSafeEqual = (one, other) => {
  globalThis.compared.push([Buffer.from(one).toString('latin1'), Buffer.from(other).toString('latin1')])
  return real(one, other)
}
syncBuiltinESMExports()
`

/** Runs a module in a process where comparisons are counted; what it prints, as JSON. */
function spied(source: string): unknown {
  const program = `data:text/javascript,${encodeURIComponent(SPY)}`
  const done = spawnSync(process.execPath, ['--import', program, '--input-type=module', '--eval', source], {
    encoding: 'utf8',
    env: { ...process.env, DIST: new URL('../../../dist/', import.meta.url).href },
  })
  assert.is(done.stderr, '')
  return JSON.parse(done.stdout)
}

test('Django, cookies and the import compare signatures by crypto.timingSafeEqual', () => {
  const found = spied(`
    const load = (path) => import(process.env.DIST + path)
    const { Signing } = await load('workers/files/django/signing.js')
    const { signedValues } = await load('src/session/middleware/cookie-values.js')
    const { Decryption } = await load('src/import/session-file-store/encryption.js')
    const counted = async (task) => {
      compared.length = 0
      await task()
      return compared.map(([one, other]) => one.length === other.length && one !== other)
    }
    const signing = new Signing({ secrets: ['one', 'two'], salt: 'salt' })
    const text = signing.sign(Buffer.from('{}'), 0)
    text[text.length - 2] ^= 1
    const cookies = signedValues(['one', 'two'])
    const cookie = cookies.write("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    const at = cookie.length - 2
    const forged = cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1)
    const decryption = new Decryption('secret', { use_scrypt: false, encodeas: 'hex' })
    const sealed = JSON.stringify({ ct: 'aa', hmac: '00'.repeat(64), iv: '00', salt: '00', at: '00' })
    process.stdout.write(JSON.stringify({
      django: await counted(() => signing.unsign(text, 1000)),
      cookies: await counted(() => cookies.read(forged)),
      import: await counted(() => decryption.decrypt(sealed)),
    }))
  `)
  assert.equal(found, { django: [true, true], cookies: [true, true], import: [true] })
})

/** What has to do with signatures and is compared otherwise, where, and the reason why that tells nobody anything. */
const HARMLESS: readonly (readonly [file: string, expression: string])[] = [
  // The user's own keys, with each other, when the engine is made.
  ['src/engine/seal-option.ts', 'secrets.findIndex((other) => other.equals(secret))'],
  // What a refusal says, in our own words.
  ['workers/files/django/signing.ts', 'reason === OTHER_SIGNATURE'],
  // How long a digest is.
  ['src/engine/session-versions.ts', 'digest?.length === DIGEST_BYTES'],
  ['workers/files/journal/sound-slots.ts', 'keyBytes !== KEY_DIGEST_BYTES'],
  ['src/import/session-file-store/encryption.ts', 'digest.length !== given.length'],
  // Numbers of owners of a journal, in a directory listing.
  ['src/storage/ownership/ownership.ts', 'rival.token === token'],
  // A digest of what is stored already, of the caller's own version, no secret: who knows it has read the session.
  ['workers/files/replace.ts', 'payloadDigest(payload).equals(digest)'],
  ['workers/redis/exchanges/replacement.ts', 'payloadDigest(payload).equals(this.#expected)'],
  // What every record begins with, and the digests of our own scripts.
  ['workers/redis/records.ts', 'equals(MAGIC)'],
  ['workers/redis/scripts.ts', 'words[1] === this.#digest'],
  // The name of a key that a server has listed, with itself.
  ['workers/redis/key-names.ts', 'equals(bytes)'],
  // A record's header, which is no secret: whether the file is still the one that was sealed anew.
  ['workers/files/reseal.ts', 'bytes.equals(header)'],
  // What the same operator reads at both ends of a copy.
  ['src/copy/copy-sessions.ts', 'Buffer.compare(one.session.bytes, other.session.bytes)'],
  // A worker's own session, decrypted on both sides.
  ['workers/files/django/format.ts', 'unsigned.json.equals(own.json)'],
  // Entries of a table.
  [
    'workers/files/inspect/journal-snapshot.ts',
    'this.#entriesByDigest.get(nameOf(this.#keyOf(entry))) !== entry',
  ],
]

const NAMES = String.raw`(?:signature|hmac|digest|token|secret|\btag|\bmac)\w*(?:\(.*\)|\??\.\w+)*`
const SUSPICIOUS = new RegExp(
  String.raw`${NAMES}\s*[!=]==?|[!=]==?\s*[\w.#]*${NAMES}|\.equals\(|\.compare\(`,
  'i',
)
/** Whether something is there, and of which type it is. */
const OF_NO_VALUE = /[\w.#()]+ [!=]== (?:undefined|'')|typeof [\w.#]+ [!=]== '\w+'/g

test('nothing else compares a signature, a digest, a token or a secret', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const paths = ['src', 'workers'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
  )
  const met = new Set<string>()
  const unknown = paths.flatMap((path) => {
    let text = readFileSync(root + path, 'utf8').replaceAll(OF_NO_VALUE, '')
    for (const [file, expression] of HARMLESS) {
      if (file !== path || !text.includes(expression)) continue
      met.add(expression)
      text = text.replace(expression, '')
    }
    const lines = text.split('\n').filter((line) => SUSPICIOUS.test(line))
    return lines.map((line) => `${path}: ${line.trim()}`)
  })
  assert.equal(unknown, [])
  // One that is gone would excuse the next one that looks like it.
  for (const [file, expression] of HARMLESS)
    assert.ok(met.has(expression), `${file}: ${expression} is no more`)
})

test.run()
