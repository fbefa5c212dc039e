import { resolve } from 'node:path'
import type { Command } from 'commander'
import { liveOwner } from '../../storage/ownership/claims.js'
import { type DirectoryFigures, Figures } from '../inspection/figures.js'
import { figuresText } from '../inspection/figures-text.js'
import { Gaps } from '../inspection/gaps.js'
import { walkWithBar } from '../inspection/walk-with-bar.js'
import { withInspector } from '../inspection/with-inspector.js'
import { jsonLine, print } from '../output.js'
import { addStoreOptions, type OutputOptions, type StoreOptions } from '../store-options.js'

/** `coatcheck stats`. */
export function addStats(program: Command): void {
  const command = program
    .command('stats')
    .description('print how many sessions there are, how large and how old, and what else lies about')
  addStoreOptions(command).option('--json', 'print one line of JSON').action(stats)
}

async function stats(directory: string, options: StoreOptions & OutputOptions): Promise<void> {
  await withInspector(directory, options, async (inspector) => {
    const figures = new Figures(Date.now())
    const gaps = new Gaps()
    await walkWithBar(inspector, 'header', ({ entries }) => {
      gaps.note(entries)
      for (const entry of entries) figures.add(entry)
      return []
    })
    const owner = await liveOwner(resolve(directory))
    const { journal } = inspector
    const all: DirectoryFigures = {
      layout: await inspector.layout(),
      ...figures.snapshot(),
      journal: journal === undefined ? null : { ...journal, owner: owner ?? null },
    }
    await print(options.json === true ? [jsonLine(all)] : figuresText(all))
    gaps.tell()
  })
}
