import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'

/*
 * Puts a link to a session elsewhere, a FIFO, a session and a directory into one place, as fast as it can, until it is killed,
 * and tells now and then how often each of them has come there. Everything is made beside it and renamed.
 */

/** How often each has come into the place. */
export type Swaps = Readonly<Record<'link' | 'FIFO' | 'session' | 'directory', number>>

/** Rounds between two messages. */
const TOLD = 8

const [place = '', outside = '', session = ''] = process.argv.slice(2)
const beside = `${outside}-swapped`
const fifo = `${outside}-fifo`
execFileSync('mkfifo', [fifo])

const PUTS: Readonly<Record<keyof Swaps, () => void>> = {
  link: () => symlinkSync(outside, beside),
  FIFO: () => linkSync(fifo, beside),
  session: () => copyFileSync(session, beside),
  directory: () => mkdirSync(beside),
}
const swaps = { link: 0, FIFO: 0, session: 0, directory: 0 }

function swap(kind: keyof Swaps): void {
  try {
    rmSync(beside, { recursive: true, force: true })
    PUTS[kind]()
    // A directory takes the place of nothing else, and nothing else takes that of the directory before it.
    if (kind === 'directory' || kind === 'link') rmSync(place, { recursive: true, force: true })
    renameSync(beside, place)
    swaps[kind]++
  } catch {
    // The engine was there first.
  }
}

function swapForever(round: number): void {
  for (const kind of ['link', 'FIFO', 'session', 'directory'] as const) swap(kind)
  if (round % TOLD === 0) process.send?.(swaps)
  setImmediate(swapForever, round + 1)
}

swapForever(0)
