import type { Command } from 'commander'
import { storedAs } from '../django-options.js'
import { ExitCode } from '../exit-codes.js'
import { jsonLine, print } from '../output.js'
import { addStoreOptions, type StoreOptions } from '../store-options.js'
import { withEngine } from '../with-engine.js'

/** `coatcheck recover`. */
export function addRecover(program: Command): void {
  const command = program
    .command('recover')
    .description(
      'bring to files what an engine that died has left in a journal; exits with 1 if a part of it is damaged',
    )
  addStoreOptions(command).option('--json', 'print one line of JSON').action(recover)
}

async function recover(
  directory: string,
  options: StoreOptions & { readonly json?: boolean },
): Promise<void> {
  await withEngine(directory, storedAs(options), async (engine) => {
    let operations = 0
    let damaged = 0
    engine.on('recovery', ({ records }) => {
      operations = records
    })
    engine.on('corrupt', () => damaged++)
    await engine.ready()
    const text = `${operations} operations read back from the journal, ${damaged} damaged parts kept aside`
    await print([options.json === true ? jsonLine({ operations, damaged }) : text])
    if (damaged > 0) process.exitCode = ExitCode.FAILED
  })
}
