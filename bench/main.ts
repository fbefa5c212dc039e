import { Command, InvalidArgumentError } from 'commander'
import type { ComparisonOptions } from './suites/comparison.js'
import type { MemoryOptions } from './suites/memory.js'
import type { MicroOptions } from './suites/micro.js'
import type { RecoveryOptions } from './suites/recovery.js'

const program = new Command('npm run bench --')
  .description('Measures Coatcheck and its peers.')
  .helpCommand(false)

program.action(() => {
  console.log('Benches; each has --help.\n')
  for (const command of program.commands)
    console.log(`  npm run bench -- ${command.name().padEnd(8)}  ${command.summary()}`)
})

/** The options that comparisons share, with what they are by default. */
function comparison(
  name: string,
  summary: string,
  { seconds = 1, callers = 256, callersAre = 'callers in a closed loop' } = {},
): Command {
  return program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .option('--rounds <number>', 'rounds that count', positiveInteger, 5)
    .option('--seconds <number>', 'length of each', positive, seconds)
    .option('--callers <number>', callersAre, positiveInteger, callers)
    .option(
      '--only <name>',
      'only those whose id contains this, such as raw-1@tmpfs; may be repeated',
      collect,
      [],
    )
    .option('--quick', 'few and short rounds: for a look, not for figures', false)
    .option('--directory <path>', 'where on the disk; default the file system of the current directory')
    .option('--output <file>', 'write everything as JSON, too')
}

comparison(
  'save',
  'saves/s and cost of a save: raw system calls, ours, session-file-store, LMDB, Redis, memory',
).action(async (options: ComparisonOptions) => {
  const { benchSave } = await import('./suites/save.js')
  await benchSave(options)
})

comparison('journal', 'the journal: hot sessions, many in turn, loads; beside LMDB').action(
  async (options: ComparisonOptions) => {
    const { benchJournal } = await import('./suites/journal.js')
    await benchJournal(options)
  },
)

comparison('http', 'requests/s of an Express app that saves a session with each of them', {
  seconds: 2,
  callers: 64,
  callersAre: 'visitors, each with a connection and a session',
}).action(async (options: ComparisonOptions) => {
  const { benchHttp } = await import('./suites/http.js')
  await benchHttp(options)
})

comparison('threads', "ours with 1 to 4 threads: what is behind threads: 'auto'").action(
  async (options: ComparisonOptions) => {
    const { benchThreads } = await import('./suites/threads.js')
    await benchThreads(options)
  },
)

program
  .command('memory')
  .summary('bytes of pending and idle sessions, opening a full directory, operations that wait')
  .description(
    'Bytes of pending and idle sessions, opening a full directory, an operation that waits alone, loads beside checkpoints.',
  )
  .option('--saves <number>', 'saves over which memory has to stay flat', positiveInteger, 5_000_000)
  .option('--sessions <number>', 'sessions in the directory that is opened', positiveInteger, 1_000_000)
  .option(
    '--only <name>',
    'only pending, flat, opening, latency or checkpoints; may be repeated',
    collect,
    [],
  )
  .option('--quick', 'small numbers: for a look, not for figures', false)
  .option('--directory <path>', 'where on the disk; default the file system of the current directory')
  .option('--output <file>', 'write everything as JSON, too')
  .action(async (options: MemoryOptions) => {
    const { benchMemory } = await import('./suites/memory.js')
    await benchMemory(options)
  })

program
  .command('recovery')
  .summary('how long a journal takes that a killed process has left behind')
  .description('How long a journal takes that a killed process has left behind.')
  .option('--records <number>', 'saves in the journal, twenty of each session', positiveInteger, 1_000_000)
  .option('--quick', 'small numbers: for a look, not for figures', false)
  .option('--directory <path>', 'where on the disk; default the file system of the current directory')
  .option('--output <file>', 'write everything as JSON, too')
  .action(async (options: RecoveryOptions) => {
    const { benchRecovery } = await import('./suites/recovery.js')
    await benchRecovery(options)
  })

program
  .command('micro')
  .summary('single steps of a save, by Benchmark.js')
  .description('Single steps of a save, by Benchmark.js.')
  .option('--only <name>', 'only cases whose name contains this; may be repeated', collect, [])
  .option('--quick', 'short runs: for a look, not for figures', false)
  .option('--output <file>', 'write everything as JSON, too')
  .action(async (options: MicroOptions) => {
    const { benchMicro } = await import('./suites/micro.js')
    await benchMicro(options)
  })

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It has to be a number above 0.')
  return value
}

function positiveInteger(text: string): number {
  const value = positive(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It has to be a whole number.')
  return value
}

function collect(word: string, words: readonly string[]): string[] {
  return [...words, word]
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
