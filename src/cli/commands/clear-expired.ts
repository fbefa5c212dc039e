import type { Command } from 'commander'
import { isSealReason } from '../../../workers/files/seal-reasons.js'
import { addCommandOptions, type CommandOptions } from '../command-options.js'
import { jsonLine, print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import { requireKeys, sealAdvice } from '../seal-keys.js'
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
  if (reseal) requireKeys(options)
  const refused = new Map<string, number>()
  await withEngine(directory, options, async (engine) => {
    engine.on('corrupt', ({ reason }) => {
      if (isSealReason(reason)) refused.set(reason, (refused.get(reason) ?? 0) + 1)
    })
    await engine.ready()
    const bar = new ProgressBar('{scanned} scanned, {expired} expired, {orphans} orphans')
    const result = await engine
      .clearExpired({
        reseal,
        onProgress: ({ scanned, ...counts }) => bar.show(scanned, scanned, { scanned, ...counts }),
      })
      .finally(() => bar.end())
    const { scanned, expired, orphans, corrupt, resealed } = result
    const text = `${scanned} scanned, ${expired} expired, ${orphans} orphans, ${corrupt} corrupt`
    const counts = { scanned, expired, orphans, corrupt, ...(reseal ? { resealed } : {}) }
    const sealedToo = reseal ? `${text}, ${resealed} sealed anew` : text
    await print([options.json === true ? jsonLine(counts) : sealedToo])
  })
  // Events come after what they are about: when the engine is closed, all of them have.
  for (const [reason, count] of refused)
    console.error(`note: ${count} ${filesAre(count)} ${sealAdvice(reason)}`)
}

function filesAre(count: number): string {
  return count === 1 ? 'file is' : 'files are'
}
