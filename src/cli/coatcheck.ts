#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { SessionEngine } from '../engine/session-engine.js'
import { type FilesOptions, files } from '../storage/files.js'
import { RecoveryBar } from './recovery-bar.js'

/*
 * The command line. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */

const FAILED = 1
const WRONG_USAGE = 2

type StoreOptions = Pick<FilesOptions, 'prefix' | 'layout' | 'hashNames'>

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Opens the sessions in a directory for as long as the work takes. */
async function withEngine(
  directory: string,
  options: StoreOptions,
  work: (engine: SessionEngine) => Promise<void>,
): Promise<void> {
  // The engine would make a directory that is not there; here it is a typing error.
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw new Error(`there is no directory ${directory}`)
  }
  const storage = files({ ...options, directory })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  const bar = new RecoveryBar()
  // Whatever is to be done: what a crash has left in a journal comes first.
  engine.on('recovery', (progress) => bar.show(progress))
  try {
    await work(engine)
  } finally {
    bar.end()
    await engine.close()
  }
}

async function recover(directory: string, options: StoreOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    let records = 0
    let damaged = 0
    engine.on('recovery', (progress) => {
      records = progress.records
    })
    engine.on('corrupt', () => damaged++)
    await engine.ready()
    console.log(`${records} operations read back from the journal, ${damaged} damaged parts kept aside`)
    if (damaged > 0) process.exitCode = FAILED
  })
}

async function clearExpired(directory: string, options: StoreOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    const { scanned, expired, orphans, corrupt } = await engine.clearExpired()
    console.log(`${scanned} scanned, ${expired} expired, ${orphans} orphans, ${corrupt} corrupt`)
  })
}

async function count(directory: string, options: StoreOptions): Promise<void> {
  await withEngine(directory, options, async (engine) => {
    console.log(String(await engine.count()))
  })
}

function addCommand(
  program: Command,
  name: string,
  description: string,
  action: (directory: string, options: StoreOptions) => Promise<void>,
): void {
  program
    .command(name)
    .description(description)
    .argument('<directory>', 'where the sessions live')
    .addOption(
      new Option('--layout <layout>', 'as in files({ layout })')
        .choices(['sharded', 'flat'])
        .default('sharded'),
    )
    .option('--prefix <prefix>', 'as in files({ prefix })')
    .option('--hash-names', 'as in files({ hashNames })')
    .action(action)
}

const program = new Command('coatcheck')
  .description('Looks after sessions that Coatcheck keeps in files.')
  .version(version())
  .helpCommand(false)
  .exitOverride()

addCommand(
  program,
  'clear-expired',
  'remove expired sessions and what crashes left behind; prints what was found',
  clearExpired,
)
addCommand(
  program,
  'recover',
  'bring to files what an engine that died has left in a journal; exits with 1 if a part of it is damaged',
  recover,
)
addCommand(program, 'count', 'print how many live sessions there are', count)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed already what there is to say.
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
  } else {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
    // Options are refused with a TypeError before anything is done.
    process.exitCode = error instanceof TypeError ? WRONG_USAGE : FAILED
  }
}
