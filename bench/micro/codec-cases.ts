import { type Codec, json, msgpack } from 'coatcheck'
import { makeSession } from '../workloads/session.js'
import type { Case } from './case.js'

/** The codecs, beside JSON as the language has it. */
export function codecCases(): Case[] {
  const session = makeSession(0)
  const text = JSON.stringify(session)
  return [
    { name: 'JSON.stringify, bare', step: () => JSON.stringify(session) },
    { name: 'JSON.parse, bare', step: () => JSON.parse(text) },
    ...casesOf(json()),
    ...casesOf(msgpack()),
  ]
}

function casesOf(codec: Codec): Case[] {
  const session = makeSession(0)
  const bytes = Uint8Array.from(codec.encode(session))
  return [
    { name: `${codec.name}().encode, ${bytes.length} bytes`, step: () => codec.encode(session) },
    { name: `${codec.name}().decode`, step: () => codec.decode(bytes) },
  ]
}
