import type { Command } from 'commander'
import type { SessionEntry } from '../../../workers/files/inspect/entries.js'
import { digestName } from '../../../workers/files/names.js'
import { addCommandOptions, type CommandOptions } from '../command-options.js'
import { Gaps } from '../inspection/gaps.js'
import { liveSessions, walkWithBar } from '../inspection/walk-with-bar.js'
import { withInspector } from '../inspection/with-inspector.js'
import { jsonLine, printable } from '../output.js'

/** `coatcheck list`. */
export function addList(program: Command): void {
  const command = program
    .command('list')
    .description('print key, expiry and size in bytes of each live session, in no order')
  addCommandOptions(command).action(list)
}

async function list(directory: string, options: CommandOptions): Promise<void> {
  await withInspector(directory, options, async (inspector) => {
    const now = Date.now()
    const gaps = new Gaps()
    const line = options.json === true ? jsonOf : process.stdout.isTTY ? aligned() : separated
    let hashed = options.hashNames === true
    await walkWithBar(inspector, 'header', ({ entries }) => {
      gaps.note(entries)
      return liveSessions(entries, now).map((session) => {
        hashed ||= session.key === undefined
        return line(nameOf(session, hashed), session)
      })
    })
    gaps.tell()
  })
}

/** A session's key or, where names are hashed, its digest: a journal knows more than the directory is to tell. */
function nameOf({ key, digest, file }: SessionEntry, hashed: boolean): Named {
  if (key === undefined) return { digest: digest ?? file?.slice(-LONGEST_DIGEST) ?? '' }
  return hashed ? { digest: digestName(key) } : { key }
}

type Named = { readonly key: string } | { readonly digest: string }

const LONGEST_DIGEST = digestName('').length

function jsonOf(named: Named, { expiry, bytes, where }: SessionEntry): string {
  return jsonLine({ ...named, expires: new Date(expiry), bytes, in: where })
}

function separated(named: Named, { expiry, bytes }: SessionEntry): string {
  return [textOf(named), new Date(expiry).toISOString(), bytes].join('\t')
}

/** Columns that widen with what they hold: nobody knows the longest key before the last one. */
function aligned(): typeof separated {
  let width = 0
  return (named, { expiry, bytes }) => {
    const text = textOf(named)
    width = Math.max(width, text.length)
    return `${text.padEnd(width)}  ${new Date(expiry).toISOString()}  ${String(bytes).padStart(9)}`
  }
}

function textOf(named: Named): string {
  return 'key' in named ? printable(named.key) : named.digest
}
