import type { Command } from 'commander'
import { addCommandOptions, type CommandOptions } from '../command-options.js'
import { ExitCode } from '../exit-codes.js'
import { type Finding, Verification } from '../inspection/verification.js'
import { walkWithBar } from '../inspection/walk-with-bar.js'
import { withInspector } from '../inspection/with-inspector.js'
import { jsonLine, print, printable } from '../output.js'

/** `coatcheck verify`. */
export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .description(
      'check every record and report what is corrupt, orphaned, kept aside or foreign; changes nothing; exits with 1 ' +
        'if anything is corrupt',
    )
  addCommandOptions(command).action(verify)
}

async function verify(directory: string, options: CommandOptions): Promise<void> {
  await withInspector(directory, options, async (inspector, decoder) => {
    const verification = new Verification(decoder, Date.now())
    const line = options.json === true ? jsonLine : textOf
    await walkWithBar(inspector, 'whole', ({ entries, payloads }) =>
      verification.check(entries, payloads).map(line),
    )
    const { sums } = verification
    await print([options.json === true ? jsonLine({ kind: 'sums', ...sums }) : sumsText(sums)])
    if (sums.corrupt + sums.unreadable > 0) process.exitCode = ExitCode.FAILED
  })
}

function textOf({ kind, file, reason }: Finding): string {
  return [kind, printable(file), ...(reason === undefined ? [] : [reason])].join('\t')
}

function sumsText(sums: Verification['sums']): string {
  const { live, expired, undecoded, closed, corrupt, unreadable, orphan, young, aside, foreign } = sums
  const unasked = undecoded > 0 ? `, ${undecoded} of a codec that could not be asked` : ''
  const unopened = closed > 0 ? `, ${closed} sealed and not opened: see --seal-keys` : ''
  const unread = unreadable > 0 ? `, ${unreadable} unreadable` : ''
  const inUse = young > 0 ? ` (${young} more may be in use)` : ''
  return (
    `${live + expired} sessions are sound (${live} live, ${expired} expired${unasked}${unopened}), ${corrupt} corrupt${unread}, ` +
    `${orphan} orphaned${inUse}, ${aside} kept aside, ${foreign} foreign`
  )
}
