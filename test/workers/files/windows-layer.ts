import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/*
 * Makes node:fs behave as it does on Windows, in this one thread, over the file system that there is. Has to be imported
 * before the storage is. What is real: the files. What is Windows': which calls fail, and with which codes.
 */

type Call = (...values: unknown[]) => unknown
const functions = fs as unknown as Record<string, Call>

/** What the machine is like. */
export const windows = {
  /** How many calls in a row a scanner that has the file open makes fail. */
  held: 0,
  /** exFAT has none. */
  hardLinks: true,
  /** Names that cannot be on Windows. */
  badNames: new Set<string>(),
  /** Calls that failed for that. */
  refused: 0,
}

const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const FORBIDDEN = /[<>:"\\|?*\u0000-\u001f]|[. ]$/
/** The spelling of each name that was used first: another one would be the same file. */
const spellings = new Map<string, string>()

function checkName(path: unknown): void {
  if (typeof path !== 'string') return
  const name = path.slice(path.lastIndexOf('/') + 1)
  const folded = path.toLowerCase()
  const spelling = spellings.get(folded) ?? path
  spellings.set(folded, spelling)
  if (RESERVED.test(name) || FORBIDDEN.test(name) || name.length > 255 || spelling !== path) {
    windows.badNames.add(name)
  }
}

function fail(code: string, call: string): never {
  throw Object.assign(new Error(`${code}: as on Windows, ${call}`), { code, syscall: call })
}

const { lstatSync, fstatSync, existsSync } = fs
const isDirectory = (path: unknown): boolean =>
  lstatSync(path as string, { throwIfNoEntry: false })?.isDirectory() === true

const heldSoFar = new Map<string, number>()

/** Each path is held for its first calls. */
function failWhileHeld(path: unknown, code: string, call: string): void {
  if (!existsSync(path as string)) return
  const times = heldSoFar.get(path as string) ?? 0
  heldSoFar.set(path as string, times + 1)
  if (times < windows.held) {
    windows.refused++
    fail(code, call)
  }
  heldSoFar.delete(path as string)
}

/** A claim that was unlinked while somebody had it open can be neither made nor looked at. */
function failWhilePending(path: unknown, call: string): void {
  const times = heldSoFar.get(`${path} pending`) ?? 0
  heldSoFar.set(`${path} pending`, times + 1)
  if (times < windows.held) fail('EPERM', call)
}

const before: Record<string, (...values: unknown[]) => void> = {
  openSync: (path, flags) => {
    checkName(path)
    const writes = (Number(flags) & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
    if (writes && isDirectory(path)) fail('EISDIR', 'open')
    if (String(path).endsWith('.claim') && writes) {
      failWhilePending(path, 'open')
      heldSoFar.delete(`${path} pending`)
    }
  },
  lstatSync: (path) => {
    if (heldSoFar.has(`${path} pending`)) failWhilePending(path, 'lstat')
  },
  mkdirSync: checkName,
  renameSync: (_from, to) => {
    checkName(to)
    if (isDirectory(to)) fail('EPERM', 'rename')
    failWhileHeld(to, 'EPERM', 'rename')
  },
  unlinkSync: (path) => {
    if (isDirectory(path)) fail('EPERM', 'unlink')
    failWhileHeld(path, 'EBUSY', 'unlink')
  },
  rmdirSync: (path) => {
    if (existsSync(path as string) && !isDirectory(path)) fail('ENOENT', 'rmdir')
  },
  linkSync: (_from, to) => {
    checkName(to)
    if (!windows.hardLinks) fail('EISDIR', 'link')
  },
  fsyncSync: (descriptor) => {
    if (fstatSync(descriptor as number).isDirectory()) fail('EPERM', 'fsync')
  },
}

for (const [name, check] of Object.entries(before)) {
  // Every one of these names is a function of node:fs.
  const real = functions[name] as Call
  functions[name] = (...values) => {
    check(...values)
    return real(...values)
  }
}
syncBuiltinESMExports()
Object.defineProperty(process, 'platform', { value: 'win32' })
// Nobody else is at work here whom it would be worth waiting for.
Atomics.wait = () => 'timed-out'
