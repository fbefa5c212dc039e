import type { Command } from 'commander'
import { jsonLine, print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import { addStoreOptions, type EngineStoreOptions, type OutputOptions } from '../store-options.js'
import { withEngine } from '../with-engine.js'

/** `coatcheck clear-expired`. */
export function addClearExpired(program: Command): void {
  const command = program
    .command('clear-expired')
    .description('remove expired sessions and what crashes left behind; prints what was found')
  addStoreOptions(command).option('--json', 'print one line of JSON').action(clearExpired)
}

async function clearExpired(directory: string, options: EngineStoreOptions & OutputOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    await engine.ready()
    const bar = new ProgressBar('{scanned} scanned, {expired} expired, {orphans} orphans')
    const result = await engine
      .clearExpired({
        onProgress: ({ scanned, ...counts }) => bar.show(scanned, scanned, { scanned, ...counts }),
      })
      .finally(() => bar.end())
    const { scanned, expired, orphans, corrupt } = result
    const text = `${scanned} scanned, ${expired} expired, ${orphans} orphans, ${corrupt} corrupt`
    await print([options.json === true ? jsonLine({ scanned, expired, orphans, corrupt }) : text])
  })
}
