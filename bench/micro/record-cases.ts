import { crc32 } from 'node:zlib'
import { msgpack } from 'coatcheck'
import { SealedFormat } from '#dist/workers/files/sealed-format.js'
import { RECORD_HEADER, readRecord, writeHeader } from '#dist/workers/record/record.js'
import { makeSession } from '../workloads/session.js'
import type { Case } from './case.js'

/** What a worker adds to the bytes of a session, and checks when it reads them. */
export function recordCases(): Case[] {
  const payload = msgpack().encode(makeSession(0))
  const record = Buffer.alloc(RECORD_HEADER + payload.length)
  record.set(payload, RECORD_HEADER)
  const header = {
    keyLength: 32,
    payloadLength: payload.length,
    expiry: Date.now() + 1e9,
    writeId: [1, 2] as const,
    codec: 1,
    keyIncluded: false,
    writtenByUpdate: false,
  }
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  writeHeader(record, view, 0, record.length, header)
  const whole = Buffer.from(record)
  const key = 'k'.repeat(32)
  const format = new SealedFormat({ keys: [{ id: 1, key: new Uint8Array(32) }], acceptUnsealed: false })
  const content = { ...header, payload }
  const place = { file: '', keyInRecord: false }
  const sealed = format.composeAlone(key, place, content)
  return [
    { name: `crc32, ${whole.length} bytes`, step: () => crc32(whole) },
    { name: 'writeHeader, CRC included', step: () => writeHeader(record, view, 0, record.length, header) },
    { name: 'readRecord', step: () => readRecord(whole) },
    { name: 'a sealed record, whole', step: () => format.composeAlone(key, place, content) },
    { name: 'a sealed record, read and opened', step: () => format.read(sealed, 0, key) },
  ]
}
