import { hash } from 'node:crypto'

/*
 * Session key ⇄ file name.
 *
 * A name is made of [a-z0-9_-], `+x` for an upper-case X and `=hhhh` for any other UTF-16 code unit, so it has
 * no dot, no slash and no upper case: it cannot leave its directory, it is safe on case-insensitive file
 * systems, and lone surrogates and look-alike forms of one letter stay distinct. Keys of Django's alphabet are
 * their own name. A name that would be longer than a file system allows is `~` and a SHA-256 digest; its key
 * is kept inside the record. Everything else that we put into a directory starts with a dot.
 */

/**
 * Directory entries have 255 bytes. The longest name made of this one is `.`, a prefix of up to 64, the name,
 * `.corrupt-`, 24 random digits, `-` and a counter of up to eight.
 */
const LONGEST_NAME = 148
const PLAIN = /^[a-z0-9_-]$/
/** Device names that Windows reserves in every directory. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/i
const DIGEST = /^~[0-9a-f]{64}$/

const ESCAPES: readonly string[] = Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit)
  if (PLAIN.test(character)) return character
  if (/[A-Z]/.test(character)) return `+${character.toLowerCase()}`
  return escapeUnit(unit)
})

function escapeUnit(unit: number): string {
  return `=${unit.toString(16).padStart(4, '0')}`
}

/** What a file name says: the key itself, or that only its digest is known. */
export type DecodedName = { readonly key: string } | { readonly digest: true }

/** For each code unit whether it stands for itself. A table, since a regular expression takes five times as long. */
const IS_PLAIN = Uint8Array.from({ length: 128 }, (_, unit) =>
  PLAIN.test(String.fromCharCode(unit)) ? 1 : 0,
)

function isPlain(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    if (IS_PLAIN[key.charCodeAt(index)] !== 1) return false
  }
  return true
}

/** The file name of a key, without the prefix that will stand in front of it. */
export function encodeName(key: string, prefix = ''): string {
  const name = isPlain(key) ? key : escapeKey(key)
  if (standsForItself(name, prefix)) return name
  return name.length > LONGEST_NAME ? digestName(key) : escapeUnit(key.charCodeAt(0)) + name.slice(1)
}

/** Whether an escaped key can be a file's name as it is. */
function standsForItself(name: string, prefix: string): boolean {
  if (name.length > LONGEST_NAME) return false
  // The longest reserved name has four letters; the test is not worth its time for real keys.
  return name.length > 4 || !RESERVED.test(prefix + name)
}

function escapeKey(key: string): string {
  const parts: string[] = []
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    parts.push(ESCAPES[unit] ?? escapeUnit(unit))
  }
  return parts.join('')
}

/** A name that tells nothing of the key. */
export function digestName(key: string): string {
  return `~${hash('sha256', Buffer.from(key, 'utf16le'), 'hex')}`
}

/** The same name, of the digest that stands in it. */
export function nameOfDigest(digest: Uint8Array): string {
  return `~${Buffer.from(digest).toString('hex')}`
}

/** Writes that digest as it is, without a name. */
export function writeKeyDigest(key: string, target: Buffer, at: number): void {
  // By way of a string: a buffer of its own takes five times as long.
  target.write(hash('sha256', Buffer.from(key, 'utf16le'), 'binary'), at, 'latin1')
}

/** Whether a name shows a digest instead of the key. */
export function isDigestName(name: string): boolean {
  return name.charCodeAt(0) === 0x7e
}

/** The key behind a file name; `undefined` for a name that {@link encodeName} does not make. */
export function decodeName(name: string, prefix = ''): DecodedName | undefined {
  // The usual name is its key: nothing is put together.
  if (isPlain(name)) return name !== '' && standsForItself(name, prefix) ? { key: name } : undefined
  if (DIGEST.test(name)) return { digest: true }
  let key = ''
  for (let index = 0; index < name.length; index++) {
    const character = name.charAt(index)
    if (character === '+') key += name.charAt(++index).toUpperCase()
    else if (character === '=') {
      key += String.fromCharCode(Number.parseInt(name.slice(index + 1, index + 5), 16))
      index += 4
    } else key += character
  }
  // Only what we would have written ourselves is ours.
  return key !== '' && encodeName(key, prefix) === name ? { key } : undefined
}
