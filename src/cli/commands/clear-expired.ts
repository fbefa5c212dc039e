import type { Command } from 'commander'
import { addCommandOptions, type CommandOptions } from '../command-options.js'
import { CorruptNotes } from '../corrupt-notes.js'
import { storedAs } from '../django-options.js'
import { ExitCode } from '../exit-codes.js'
import { jsonLine, print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import { requireKeys } from '../seal-keys.js'
import { withEngine } from '../with-engine.js'

/** `coatcheck clear-expired`. */
export function addClearExpired(program: Command): void {
  const command = program
    .command('clear-expired')
    .description('remove expired sessions and what crashes left behind; prints what was found')
  addCommandOptions(command)
    .option('--reseal', 'also seal live sessions anew that the newest of --seal-keys has not sealed')
    .action(clearExpired)
}

interface Options extends CommandOptions {
  readonly reseal?: boolean
}

async function clearExpired(directory: string, options: Options): Promise<void> {
  const { reseal = false } = options
  if (reseal && options.django === true)
    throw new TypeError('--reseal does not go with --django: Django could not open what is sealed')
  const stored = storedAs(options)
  if (reseal) requireKeys(stored.seal)
  const notes = new CorruptNotes()
  await withEngine(directory, stored, async (engine) => {
    notes.of(engine)
    await engine.ready()
    const bar = new ProgressBar('{scanned} scanned, {expired} expired, {orphans} orphans')
    const result = await engine
      .clearExpired({
        reseal,
        onProgress: ({ scanned, expired, orphans }) =>
          bar.show(scanned, scanned, { scanned, expired, orphans }),
      })
      .finally(() => bar.end())
    const { scanned, expired, orphans, corrupt, resealed, refused } = result
    const text = `${scanned} scanned, ${expired} expired, ${orphans} orphans, ${corrupt} corrupt`
    const counts = { scanned, expired, orphans, corrupt, ...(reseal ? { resealed, refused } : {}) }
    const sealedToo = reseal ? `${text}, ${resealed} sealed anew, ${refused} refused` : text
    await print([options.json === true ? jsonLine(counts) : sealedToo])
    if (refused > 0) process.exitCode = ExitCode.FAILED
  })
  notes.print()
}
