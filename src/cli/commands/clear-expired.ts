import type { Command } from 'commander'
import { addStoreOptions, type StoreOptions } from '../store-options.js'
import { withEngine } from '../with-engine.js'

/** `coatcheck clear-expired`. */
export function addClearExpired(program: Command): void {
  const command = program
    .command('clear-expired')
    .description('remove expired sessions and what crashes left behind; prints what was found')
  addStoreOptions(command).action(clearExpired)
}

async function clearExpired(directory: string, options: StoreOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    const { scanned, expired, orphans, corrupt } = await engine.clearExpired()
    console.log(`${scanned} scanned, ${expired} expired, ${orphans} orphans, ${corrupt} corrupt`)
  })
}
