import { readSync } from 'node:fs'

// A worker reads one file at a time, and what it read is copied into the reply before it reads the next.
let buffer = Buffer.allocUnsafeSlow(16 * 1024)

/** The bytes of an open file, so many at the most, in a buffer that the next call overwrites. */
export function readWhole(descriptor: number, size: number): Buffer {
  if (size > buffer.length) buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)))
  return buffer.subarray(0, readInto(buffer, descriptor, size))
}

/** Reads an open file from its beginning, so many bytes at the most; returns how many there were. */
export function readInto(bytes: Buffer, descriptor: number, size: number): number {
  let length = 0
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return length
}
