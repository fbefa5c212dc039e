/*
 * Session key ⇄ Redis key: the prefix, then the key as UTF-8. A key may be any string of UTF-16 code units: one whose
 * surrogates do not pair has them encoded like any other code point (WTF-8, https://simonsapin.github.io/wtf-8/), so that no
 * two keys meet in one name.
 */

/** What a session is stored under; text where its UTF-8 is all there is to it. */
export type RedisKey = string | Buffer

/** The name of a session key. */
export function nameOf(key: string, prefix: string): RedisKey {
  const name = prefix + key
  return name.isWellFormed() ? name : encodeLoneSurrogates(name)
}

/** The session key behind a name; `undefined` where it has another prefix, or is none of ours. */
export function keyOf(name: Buffer, prefix: string): string | undefined {
  // The prefix is ASCII: as many bytes as it has characters.
  if (name.toString('latin1', 0, prefix.length) !== prefix) return undefined
  const bytes = name.subarray(prefix.length)
  const key = decode(bytes)
  const again = nameOf(key, '')
  // Only what we would have written ourselves is ours.
  return key !== '' && (typeof again === 'string' ? Buffer.from(again) : again).equals(bytes)
    ? key
    : undefined
}

function encodeLoneSurrogates(name: string): Buffer {
  const parts: Buffer[] = []
  for (const character of name) {
    const unit = character.length === 1 ? character.charCodeAt(0) : 0
    if (unit < 0xd800 || unit > 0xdfff) parts.push(Buffer.from(character))
    else parts.push(Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]))
  }
  return Buffer.concat(parts)
}

/** Bytes of a lone surrogate: no well-formed text has them. */
const SURROGATE = /\xed[\xa0-\xbf][\x80-\xbf]/g

function decode(bytes: Buffer): string {
  const latin1 = bytes.toString('latin1')
  let text = ''
  let from = 0
  for (const { index } of latin1.matchAll(SURROGATE)) {
    const unit = 0xd000 | (((bytes[index + 1] as number) & 0x3f) << 6) | ((bytes[index + 2] as number) & 0x3f)
    text += bytes.toString('utf8', from, index) + String.fromCharCode(unit)
    from = index + 3
  }
  return text + bytes.toString('utf8', from)
}
