import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'

/*
 * Puts a session, a link to one elsewhere, a FIFO and a directory into one place, as fast as it can, until it is killed.
 * Everything is made beside it and renamed, so there is never a moment to be seen.
 */

const [place = '', outside = '', session = ''] = process.argv.slice(2)
const beside = `${outside}-swapped`
execFileSync('mkfifo', [`${outside}-fifo`])
process.send?.('ready')

const PUTS: readonly (() => void)[] = [
  () => symlinkSync(outside, beside),
  () => linkSync(`${outside}-fifo`, beside),
  () => copyFileSync(session, beside),
  () => mkdirSync(beside),
]

for (let round = 0; ; round++) {
  try {
    rmSync(beside, { recursive: true, force: true })
    PUTS[round % PUTS.length]?.()
    if (round % PUTS.length === PUTS.length - 1) rmSync(place, { recursive: true, force: true })
    renameSync(beside, place)
  } catch {
    // The engine was there first.
  }
}
