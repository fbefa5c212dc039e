import type { Command } from 'commander'
import { Gaps } from '../inspection/gaps.js'
import { liveSessions, walkWithBar } from '../inspection/walk-with-bar.js'
import { withInspector } from '../inspection/with-inspector.js'
import { jsonLine, print } from '../output.js'
import { addStoreOptions, type OutputOptions, type StoreOptions } from '../store-options.js'

/** `coatcheck count`. */
export function addCount(program: Command): void {
  const command = program.command('count').description('print how many live sessions there are')
  addStoreOptions(command).option('--json', 'print one line of JSON').action(count)
}

async function count(directory: string, options: StoreOptions & OutputOptions): Promise<void> {
  await withInspector(directory, options, async (inspector) => {
    const now = Date.now()
    const gaps = new Gaps()
    let live = 0
    await walkWithBar(inspector, 'header', ({ entries }) => {
      gaps.note(entries)
      live += liveSessions(entries, now).length
      return []
    })
    await print([options.json === true ? jsonLine({ count: live }) : String(live)])
    gaps.tell()
  })
}
