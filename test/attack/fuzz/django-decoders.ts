import { createHash, createHmac } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { ContentReader } from '#dist/src/import/django/content.js'
import { fillOptions } from '#dist/src/import/django/options.js'
import { DjangoFormat } from '#dist/workers/files/django/format.js'
import { parsePythonJson } from '#dist/workers/files/django/python-json.js'
import { ownExpiry } from '#dist/workers/files/django/session-expiry.js'
import { Signing } from '#dist/workers/files/django/signing.js'
import { type Decoder, expect } from './decoder.js'

const SECRET = 'a secret of Django'
const SALT = 'django.contrib.sessions.SessionStore'
const KEY = createHash('sha256').update(`${SALT}signer`).update(SECRET).digest()
const LARGEST = 4096

const SESSIONS: readonly string[] = [
  '{"_auth_user_id": "1", "visits": 3}',
  '{"_session_expiry": 300}',
  '{"_session_expiry": "2030-01-01T00:00:00+00:00", "a": NaN}',
  '{"a": Infinity, "b": [-Infinity, "NaN"], "c": {"__proto__": 1}}',
  `{"text": "${'lorem ipsum '.repeat(200)}"}`,
  '[]',
  `${'['.repeat(1500)}${']'.repeat(1500)}`,
]

function signed(value: string): Buffer {
  const signature = createHmac('sha256', KEY).update(value, 'latin1').digest('base64url')
  return Buffer.from(`${value}:${signature}`, 'latin1')
}

/** Compressed a thousandfold: more than any session may have. */
const BOMBS: readonly Buffer[] = [2 ** 20, 2 ** 26].map((bytes) =>
  signed(`.${deflateSync(Buffer.alloc(bytes)).toString('base64url')}:1tKOAb`),
)

const signing = new Signing({ secrets: [SECRET], salt: SALT })

/** Signed texts, from the file to the session's own expiry; and what the import makes of them. */
export function djangoDecoder(): Decoder {
  const format = new DjangoFormat(
    { secrets: [SECRET], salt: SALT, cookieAge: 1_209_600_000, expireIdle: true },
    { maxRecordBytes: LARGEST, placeholderLife: 1000 },
  )
  const importing = new ContentReader(fillOptions({ path: '.', secretKey: SECRET }))
  return {
    seeds: SESSIONS.map((json) => signing.sign(Buffer.from(json), Date.now())),
    whole: BOMBS,
    repair: (bytes) => signed(bytes.subarray(0, Math.max(0, bytes.lastIndexOf(':'))).toString('latin1')),
    feed(bytes) {
      const finding = importing.read({ bytes, modifiedAt: Date.now() }, Date.now())
      expect(finding.state !== 'unreadable' || finding.reason.length < 80, 'a reason quotes what was read')
      const found = format.read(bytes, Date.now())
      if (typeof found === 'string') return found
      expect(found.payload.length <= LARGEST, 'a session past the limit was read')
      expect(!Number.isNaN(found.expiry), 'a session expires at no moment')
      return 'session'
    },
  }
}

/** Python's JSON, and what it says of the session's expiry. */
export function pythonJsonDecoder(): Decoder {
  return {
    seeds: SESSIONS.map((json) => Buffer.from(json)),
    repair: (bytes) => bytes,
    feed(bytes) {
      ownExpiry(bytes)
      try {
        parsePythonJson(bytes)
        return 'parsed'
      } catch (error) {
        expect(error instanceof SyntaxError || error instanceof RangeError, 'no typed refusal')
        return 'refused'
      }
    },
  }
}
