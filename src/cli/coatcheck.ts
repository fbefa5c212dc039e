#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { InvalidSessionKeyError } from '../errors.js'
import { COMMANDS } from './commands/index.js'
import { ExitCode } from './exit-codes.js'
import { endWithReader } from './output.js'

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const program = new Command('coatcheck')
  .description('Looks after sessions that Coatcheck keeps in files.')
  .version(version())
  .helpCommand(false)
  .exitOverride()
  .addHelpText('afterAll', '\nExit codes: 0 done, 1 failed or something is damaged, 2 wrong usage.')

for (const add of COMMANDS) add(program)
endWithReader()

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed already what there is to say.
    process.exitCode = error.exitCode === 0 ? ExitCode.DONE : ExitCode.WRONG_USAGE
  } else {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
    // Options and keys are refused before anything is done.
    const isUsage = error instanceof TypeError || error instanceof InvalidSessionKeyError
    process.exitCode = isUsage ? ExitCode.WRONG_USAGE : ExitCode.FAILED
  }
}
