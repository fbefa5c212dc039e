import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { hasCode } from '#dist/workers/protocol/index.js'

/** Fills the file system of a directory to the last byte that it gives away. */
export function fillUp(directory: string): void {
  const descriptor = openSync(`${directory}/.filling`, 'w')
  try {
    for (const size of [2 ** 16, 2 ** 12, 1]) {
      const bytes = Buffer.alloc(size, 1)
      untilFull(() => {
        writeSync(descriptor, bytes)
        // Blocks are given away when they are written out, on some.
        if (size > 1) return
        fsyncSync(descriptor)
      })
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Makes files until there can be no more. */
export function useUpInodes(directory: string): void {
  mkdirSync(`${directory}/.filling`)
  let number = 0
  untilFull(() => writeFileSync(`${directory}/.filling/${number++}`, ''))
}

/** Undoes either. */
export function free(directory: string): void {
  rmSync(`${directory}/.filling`, { recursive: true, force: true })
}

function untilFull(step: () => void): void {
  try {
    for (;;) step()
  } catch (error) {
    if (!hasCode(error, 'ENOSPC')) throw error
  }
}
