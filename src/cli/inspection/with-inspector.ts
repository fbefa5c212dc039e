import type { FilesWorkerOptions } from '../../../workers/files/options.js'
import type { SealBinding } from '../../../workers/seal/index.js'
import type { Codec } from '../../codecs/codec.js'
import { sealOption } from '../../engine/seal-option.js'
import { files } from '../../storage/files.js'
import { Decoder } from '../decoder.js'
import { type DjangoStoreOptions, storedAs } from '../django-options.js'
import { ProgressBar } from '../progress-bar.js'
import { requireDirectory, type StoreOptions } from '../store-options.js'
import type { Inspector } from './inspector.js'

/**
 * Lets a command look through the sessions in a directory, for as long as the work takes. Works beside live engines and on
 * what a crash has left alike: nothing is changed, nobody is kept from anything.
 */
export async function withInspector(
  directory: string,
  options: DjangoStoreOptions,
  work: (inspector: Inspector, decoder: Decoder) => Promise<void>,
): Promise<void> {
  requireDirectory(directory)
  const { store, codec, seal } = storedAs(options)
  const inspector = await openInspector(directory, store, codec, sealOption(seal))
  const bar = new ProgressBar(
    'reading the journal {bar} {percentage} % | {records} operations | {eta_formatted} left',
  )
  try {
    await inspector.layout()
    await inspector.readJournal(({ bytes, totalBytes, records }) => {
      if (totalBytes > 0) bar.show(bytes, totalBytes, { records })
    })
    bar.end()
    await work(inspector, new Decoder(codec === undefined ? [] : [codec]))
  } finally {
    bar.end()
    await inspector.close()
  }
}

async function openInspector(
  directory: string,
  { layout, prefix = '' }: StoreOptions,
  codec: Codec | undefined,
  seal: SealBinding | undefined,
): Promise<Inspector> {
  // As files() checks and completes them; what it fills in for a layout is only a default.
  const checked = files({ directory, prefix }).options as FilesWorkerOptions
  // Not before it is needed: help and mistakes are answered at once.
  const { Inspector } = await import('./inspector.js')
  return new Inspector({
    directory: checked.directory,
    prefix,
    orphanGrace: checked.orphanGrace,
    layout,
    recordFormat: bindingOf(codec),
    ...(seal === undefined ? {} : { seal }),
  })
}

/** What of a codec's record format can be told to a worker. */
function bindingOf(codec: Codec | undefined): { module: string; options: unknown } | undefined {
  if (codec?.recordFormat === undefined) return undefined
  const { module, options } = codec.recordFormat
  return { module, options }
}
