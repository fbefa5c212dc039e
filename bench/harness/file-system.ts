import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { basename } from 'node:path'

/** What a directory lies on. */
export interface FileSystem {
  /** Of `statfs`. */
  readonly type: number
  readonly name: string
  /** Something about it that a reader of the figures should know. */
  readonly note: string | undefined
}

export const TMPFS = 0x01021994
export const EXT4 = 0xef53

/** By `statfs` type, where the system does not tell the name. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [TMPFS, 'tmpfs'],
  [EXT4, 'ext2, 3 or 4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x1a, 'apfs'],
])

const NO_JOURNAL =
  'It has no journal. Such an ext4 does not hand out an inode again for a minute or more after its file was deleted ' +
  'and steps over all of those when it makes a file; so figures fall with whatever was saved nearby lately. An ext4 ' +
  'with a journal, the usual one, does not.'

/** The file system of a directory; `undefined` when there is no such directory. */
export function fileSystemOf(directory: string): FileSystem | undefined {
  let type: number
  try {
    type = statfsSync(directory).type
  } catch {
    return undefined
  }
  const mount = mountOf(directory)
  const name = mount?.name ?? NAMES.get(type) ?? 'unknown'
  const note = name === 'ext4' && mount !== undefined && !hasJournal(mount.device) ? NO_JOURNAL : undefined
  return { type, name, note }
}

interface Mount {
  readonly name: string
  readonly device: string
}

/** Linux only: looks the device up in the table of mounts. */
function mountOf(directory: string): Mount | undefined {
  const { dev } = statSync(directory)
  // The encoding of glibc, for the numbers that occur: 12 bits of major, 20 of minor.
  const number = `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`
  try {
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const [mount = '', source = ''] = line.split(' - ')
      const [name, device] = source.split(' ')
      if (mount.split(' ')[2] === number && name !== undefined && device !== undefined)
        return { name, device }
    }
  } catch {
    // Another operating system.
  }
  return undefined
}

function hasJournal(device: string): boolean {
  try {
    return readdirSync('/proc/fs/jbd2').some((entry) => entry.startsWith(`${basename(device)}-`))
  } catch {
    return true
  }
}
