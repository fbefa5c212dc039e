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

/** What has to do with signatures and is compared otherwise, each with the reason why that tells nobody anything. */
const HARMLESS: readonly RegExp[] = [
  // What a refusal says, in our own words.
  /reason === /,
  // A digest of what is stored already, of the caller's own version, no secret: who knows it has read the session.
  /return payloadDigest\(payload\)\.equals\(digest\)/,
  // A worker's own session, decrypted on both sides.
  /unsigned\.json\.equals\(own\.json\)/,
  // Numbers of owners of a journal, in a directory listing.
  /\.token === token|\btoken === undefined/,
  /digest\.length !== given\.length|given\.length === expected\.length/,
  // The user's own keys, with each other, when the engine is made.
  /secrets\.findIndex\(\(other\) => other\.equals\(secret\)\)/,
  // A record's header, which is no secret: whether the file is still the one that was sealed anew.
  /bytes\.equals\(header\)/,
  // Entries of a table.
  /entriesByDigest\.get\(.*\) !== entry/,
]

test('nothing else compares a signature, a digest, a token or a secret', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const suspicious =
    /(?:signature|hmac|digest|token|secret|\btag|\bmac)\w*(?:\(.*\)|\.\w+)*\s*[!=]==?|\.equals\(|\.compare\(/i
  const lines = ['src', 'workers'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => readFileSync(`${root}${folder}/${path}`, 'utf8').split('\n')),
  )
  const found = lines.filter(
    (line) => suspicious.test(line) && !/=== undefined|!== undefined|typeof|=== ''/.test(line),
  )
  const unknown = found.filter((line) => !HARMLESS.some((known) => known.test(line)))
  assert.equal(unknown, [])
  assert.ok(found.length > 0, 'the search finds nothing any more')
})

test.run()
