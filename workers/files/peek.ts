import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { RECORD_HEADER, type RecordHeader, readHeader, UNREADABLE_EXPIRY } from '../record/record.js'
import { settled } from './half-written.js'
import { READ_FLAGS } from './open-flags.js'

/** A record's header and its effective expiry. */
export interface PeekedHeader {
  readonly header: RecordHeader
  readonly expiry: number
}

/** Looks into a regular file that may be gone; `undefined` when there is none. */
export function lookInto<Result>(
  file: string,
  look: (descriptor: number, stats: Stats) => Result | undefined,
): Result | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, READ_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'EMLINK', 'ENXIO')) return undefined
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    return stats.isFile() ? look(descriptor, stats) : undefined
  } finally {
    closeSync(descriptor)
  }
}

/** Reads only the header of a file; `undefined` when there is none, or none of ours. */
export function peekHeader(file: string): PeekedHeader | undefined {
  return lookInto(file, (descriptor, stats) => {
    const header = headerOf(descriptor)
    return header === undefined ? undefined : { header, expiry: Math.max(header.expiry, stats.mtimeMs) }
  })
}

/** The header of an open file; `undefined` when there is none, or none of ours. */
export function headerOf(descriptor: number): RecordHeader | undefined {
  return settled(
    () => readOnce(descriptor),
    (header) => header?.expiry === UNREADABLE_EXPIRY,
  )
}

function readOnce(descriptor: number): RecordHeader | undefined {
  const bytes = Buffer.allocUnsafe(RECORD_HEADER)
  const length = readSync(descriptor, bytes, 0, RECORD_HEADER, 0)
  const header = readHeader(bytes.subarray(0, length))
  return typeof header === 'string' ? undefined : header
}
