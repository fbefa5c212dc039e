import { closeSync, constants, openSync, renameSync, writeSync } from 'node:fs'

const TEMPORARY_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/** A session file and the temporary file that becomes it. */
export interface RawFile {
  readonly file: string
  readonly temporary: string
}

/** One save as bare calls. */
export type RawSave = (target: RawFile, bytes: Uint8Array) => void

/** Which calls make up the floor. */
export type RawProtocol = 'django' | 'lean'

/** What the figures stand for, in words. */
export const RAW_DESCRIPTIONS: Readonly<Record<RawProtocol, string>> = {
  django:
    'open the session file for writing, close (the check that it exists), open a temporary file O_EXCL 0600, ' +
    'write, close, rename',
  lean: 'the same without the check: open a temporary file O_EXCL 0600, write, close, rename',
}

/** The calls of Django's file backend for a session that exists, and nothing else. */
function saveAsDjango(target: RawFile, bytes: Uint8Array): void {
  closeSync(openSync(target.file, constants.O_WRONLY))
  saveLean(target, bytes)
}

function saveLean({ file, temporary }: RawFile, bytes: Uint8Array): void {
  const descriptor = openSync(temporary, TEMPORARY_FLAGS, 0o600)
  writeSync(descriptor, bytes, 0, bytes.length)
  closeSync(descriptor)
  renameSync(temporary, file)
}

/** The calls of a protocol. */
export function rawSave(protocol: RawProtocol): RawSave {
  return protocol === 'django' ? saveAsDjango : saveLean
}

/** Brings a file into being, so that the protocols find it. */
export function createRaw(target: RawFile, bytes: Uint8Array): void {
  saveLean(target, bytes)
}
