import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/*
 * Loaded before a command, in each of its threads: notes in the file that WATCHED names which files and directories are
 * synced, renamed over and unlinked, in their order.
 */

const { appendFileSync, fdatasyncSync, fsyncSync, readlinkSync, unlinkSync } = fs
const ledger = process.env.WATCHED ?? ''

function note(what: string, path: unknown): void {
  appendFileSync(ledger, `${what} ${path}\n`)
}

fs.fsyncSync = (descriptor) => {
  note('sync', readlinkSync(`/proc/self/fd/${descriptor}`))
  fsyncSync(descriptor)
}
fs.fdatasyncSync = (descriptor) => {
  note('sync', readlinkSync(`/proc/self/fd/${descriptor}`))
  fdatasyncSync(descriptor)
}
fs.unlinkSync = (path) => {
  note('unlink', path)
  unlinkSync(path)
}
syncBuiltinESMExports()
