import type { FilesWorkerOptions } from '../../../workers/files/options.js'
import { files } from '../../storage/files.js'
import { ProgressBar } from '../progress-bar.js'
import { requireDirectory, type StoreOptions } from '../store-options.js'
import type { Inspector } from './inspector.js'

/**
 * Lets a command look through the sessions in a directory, for as long as the work takes. Works beside live engines and on
 * what a crash has left alike: nothing is changed, nobody is kept from anything.
 */
export async function withInspector(
  directory: string,
  options: StoreOptions,
  work: (inspector: Inspector) => Promise<void>,
): Promise<void> {
  const inspector = await openInspector(directory, options)
  const bar = new ProgressBar(
    'reading the journal {bar} {percentage} % | {records} operations | {eta_formatted} left',
  )
  try {
    await inspector.layout()
    await inspector.readJournal(({ bytes, totalBytes, records }) => {
      if (totalBytes > 0) bar.show(bytes, totalBytes, { records })
    })
    bar.end()
    await work(inspector)
  } finally {
    bar.end()
    await inspector.close()
  }
}

async function openInspector(directory: string, { layout, prefix = '' }: StoreOptions): Promise<Inspector> {
  requireDirectory(directory)
  // As files() checks and completes them; what it fills in for a layout is only a default.
  const checked = files({ directory, prefix }).options as FilesWorkerOptions
  const { orphanGrace } = checked
  // Not before it is needed: help and mistakes are answered at once.
  const { Inspector } = await import('./inspector.js')
  return new Inspector({ directory: checked.directory, prefix, orphanGrace, layout })
}
