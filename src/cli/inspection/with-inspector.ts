import type { FilesWorkerOptions } from '../../../workers/files/options.js'
import { files } from '../../storage/files.js'
import { ProgressBar } from '../progress-bar.js'
import { requireDirectory, type StoreOptions } from '../store-options.js'
import { Inspector } from './inspector.js'

/**
 * Lets a command look through the sessions in a directory, for as long as the work takes. Works beside live engines and on
 * what a crash has left alike: nothing is changed, nobody is kept from anything.
 */
export async function withInspector(
  directory: string,
  options: StoreOptions,
  work: (inspector: Inspector) => Promise<void>,
): Promise<void> {
  const inspector = openInspector(directory, options)
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

/** The layout that was asked for, or that the directory shows: for commands that need an engine. */
export async function layoutOf(directory: string, options: StoreOptions): Promise<'sharded' | 'flat'> {
  if (options.layout !== undefined) return options.layout
  const inspector = openInspector(directory, options)
  try {
    return await inspector.layout()
  } finally {
    await inspector.close()
  }
}

function openInspector(directory: string, { layout, prefix = '' }: StoreOptions): Inspector {
  requireDirectory(directory)
  // As files() checks and completes them; what it fills in for a layout is only a default.
  const checked = files({ directory, prefix }).options as FilesWorkerOptions
  const { orphanGrace } = checked
  return new Inspector({ directory: checked.directory, prefix, orphanGrace, layout })
}
