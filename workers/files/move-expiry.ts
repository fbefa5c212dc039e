import { futimesSync, type Stats } from 'node:fs'
import { composeExpiry, EXPIRY_OFFSET, UNREADABLE_EXPIRY } from '../record/record.js'
import { headerOf } from './peek.js'
import type { NewExpiry } from './record-format.js'
import { busy, MOST_ROUNDS } from './rounds.js'
import { writeFully } from './write-fully.js'

/**
 * Moves the expiry of one of our own records, open for reading and writing.
 *
 * @returns the former one; `undefined` when no live session of this key is in it
 */
export function moveExpiry(
  descriptor: number,
  stats: Stats,
  { key, expiry }: NewExpiry,
  now: number,
): number | undefined {
  // The header's expiry is not after the file's time, unless that is in the past, for then the file was copied without
  // it. A file's time comes back with its fraction rounded to what the file system keeps. What has another name, too, may
  // be another program's file: it is looked into.
  if (expiry >= stats.mtimeMs - 1 && stats.mtimeMs > now && stats.nlink === 1) {
    setTime(descriptor, expiry)
    return stats.mtimeMs
  }
  const header = headerOf(descriptor)
  if (header === undefined || header.keyLength !== key.length || header.expiry === UNREADABLE_EXPIRY) {
    return undefined
  }
  const before = Math.max(header.expiry, stats.mtimeMs)
  if (before <= now) return undefined
  // Of the expiry in the header and the one on the file the later counts, so a shorter life has to be in both.
  if (header.expiry > expiry) writeExpiry(descriptor, expiry)
  setTimeNotBefore(descriptor, expiry)
  return before
}

/**
 * When two touches meet, the header may be the one's and the time the other's. The later counts as it should; but a
 * header later than the time would deceive the next touch, which takes the time for the later.
 */
function setTimeNotBefore(descriptor: number, expiry: number): void {
  let latest = expiry
  for (let round = 0; round < MOST_ROUNDS; round++) {
    setTime(descriptor, latest)
    const found = headerOf(descriptor)?.expiry
    if (found === undefined || found <= latest || found === UNREADABLE_EXPIRY) return
    latest = found
  }
  throw busy('futime')
}

function setTime(descriptor: number, expiry: number): void {
  futimesSync(descriptor, expiry / 1000, expiry / 1000)
}

function writeExpiry(descriptor: number, expiry: number): void {
  const bytes = composeExpiry(expiry)
  // Half an expiry is none that could be read.
  writeFully(descriptor, bytes, { start: 0, end: bytes.length, position: EXPIRY_OFFSET })
}
