import { randomBytes } from 'node:crypto'
import { ContentReader } from '#dist/src/import/session-file-store/content.js'
import { sealedIn } from '#dist/src/import/session-file-store/encryption.js'
import { fillOptions } from '#dist/src/import/session-file-store/options.js'
import { Layout } from '#dist/workers/files/layout.js'
import { decodeName, encodeName } from '#dist/workers/files/names.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import { Sealer } from '#dist/workers/seal/index.js'
import { workerOptions } from '../../workers/files/storage-driver.js'
import { type Decoder, expect } from './decoder.js'

/** File names to keys, and keys to file names: every input is taken for either. */
export function nameDecoder(): Decoder {
  const layout = new Layout(workerOptions({ directory: '/sessions', prefix: 'id' }))
  const names = [
    'abcdefghijklmnopqrstuvwxyz012345',
    '../../../etc/passwd',
    '=002e=002e',
    `~${'0'.repeat(64)}`,
    '+a+b=d800',
    'con',
    '.name.claim',
    '.idabc.taken-0123456789abcdef01234567-1',
    'idkey.corrupt-0123456789abcdef01234567-1',
    '=',
    '+',
  ]
  return {
    seeds: names.flatMap((name) => [Buffer.from(name, 'latin1'), Buffer.from(name, 'utf16le')]),
    repair: (bytes) => bytes,
    feed(bytes) {
      const text = bytes.toString(bytes.length % 2 === 0 ? 'utf16le' : 'latin1')
      const decoded = decodeName(text, 'id')
      layout.classify(text)
      layout.classify(`id${text}`)
      if (decoded !== undefined && 'key' in decoded) {
        expect(encodeName(decoded.key, 'id') === text, 'a name is not the one of its key')
      }
      const key = text.slice(0, 256)
      if (key === '') return 'no key'
      const name = encodeName(key, 'id')
      expect(/^(?:~[0-9a-f]{64}|[a-z0-9_+=-]{1,148})$/.test(name), 'a name that may leave its directory')
      const back = decodeName(name, 'id')
      expect(back !== undefined && ('digest' in back || back.key === key), 'a name is read as another key')
      const { file } = layout.place(key, keyHash(key))
      expect(/^\/sessions\/[0-9a-f]{2}\/id[^/]+$/.test(file), 'a file elsewhere')
      return decoded === undefined ? 'key' : 'key and name'
    },
  }
}

/** What was sealed opens; nothing else does. */
export function sealDecoder(): Decoder {
  const key = { id: 7, key: randomBytes(32) }
  const sealer = new Sealer([key, { id: 7, key: randomBytes(32) }, { id: 9, key: randomBytes(32) }])
  const associated = Buffer.from('header and key')
  const seeds = ['', 'a session', 'x'.repeat(500)].map((text) => sealer.seal(Buffer.from(text), associated))
  return {
    seeds,
    repair(bytes, random) {
      if (bytes.length >= 4) bytes.writeUInt32LE(random.pick([7, 9]), 0)
      return bytes
    },
    feed(bytes) {
      const opened = sealer.open(bytes, associated)
      if (typeof opened === 'string') return opened
      expect(
        seeds.some((seed) => seed.equals(bytes)),
        'something was opened that nobody has sealed',
      )
      expect(typeof sealer.open(bytes, Buffer.from('another')) === 'string', 'it opens under another key')
      return 'opened'
    },
  }
}

/** session-file-store's JSON, and what is encrypted in it. Nothing is decrypted: that takes some 50 ms for each. */
export function importDecoder(): Decoder {
  const reader = new ContentReader(fillOptions({ path: '.' }))
  const bytes = JSON.stringify({
    hmac: 'aa',
    ct: 'bb',
    iv: { type: 'Buffer', data: [1, 2] },
    salt: { type: 'Buffer', data: [3] },
    at: { type: 'Buffer', data: [4, 256, -1, 'x'] },
    aad: 'cc',
  })
  const session = JSON.stringify({ cookie: { originalMaxAge: 1000 }, __lastAccess: 1, visits: 2 })
  const odd = '{"cookie":{"originalMaxAge":1e400},"__lastAccess":-1e400,"__proto__":{"polluted":1}}'
  return {
    seeds: [bytes, session, odd].map((text) => Buffer.from(text)),
    repair: (input) => input,
    feed(input) {
      const sealed = sealedIn(input.toString('utf8'), 'hex')
      // Without a secret nothing is waited for; a rejection is a decoder that has thrown, and ends this thread.
      void reader.read(input, Date.now())
      expect(!('polluted' in {}), 'the prototype of all objects is polluted')
      return sealed === undefined ? 'not encrypted' : 'encrypted'
    },
  }
}
