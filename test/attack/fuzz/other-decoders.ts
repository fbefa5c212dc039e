import { ContentReader } from '#dist/src/import/session-file-store/content.js'
import { sealedIn } from '#dist/src/import/session-file-store/encryption.js'
import { fillOptions } from '#dist/src/import/session-file-store/options.js'
import { Layout } from '#dist/workers/files/layout.js'
import { decodeName, encodeName } from '#dist/workers/files/names.js'
import { keyHash } from '#dist/workers/protocol/index.js'
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
  const session = JSON.stringify({ cookie: { originalMaxAge: 1e13 }, __lastAccess: 1, visits: 2 })
  const odd = '{"cookie":{"originalMaxAge":1e400},"__lastAccess":-1e400,"__proto__":{"polluted":1}}'
  return {
    seeds: [bytes, session, odd].map((text) => Buffer.from(text)),
    repair: (input) => input,
    async feed(input) {
      const sealed = sealedIn(input.toString('utf8'), 'hex')
      const now = Date.now()
      const finding = await reader.read(input, now)
      expect(!('polluted' in {}), 'the prototype of all objects is polluted')
      if (finding.state === 'session') {
        expect(finding.expiresAt >= now && finding.expiresAt <= 8.64e15, 'a session expires at no moment')
        expect(Object.getPrototypeOf(finding.session) === Object.prototype, 'a session of another prototype')
        expect(
          !('__lastAccess' in finding.session),
          'what is not the application\u2019s is part of a session',
        )
      }
      expect(finding.state !== 'unreadable' || finding.reason.length < 80, 'a reason quotes what was read')
      return sealed === undefined ? finding.state : `encrypted, ${finding.state}`
    },
  }
}
