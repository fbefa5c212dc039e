import type { Command } from 'commander'
import { addStoreOptions, type StoreOptions } from '../store-options.js'
import { withEngine } from '../with-engine.js'

/** `coatcheck count`. */
export function addCount(program: Command): void {
  const command = program.command('count').description('print how many live sessions there are')
  addStoreOptions(command).action(count)
}

async function count(directory: string, options: StoreOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    console.log(String(await engine.count()))
  })
}
