import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { guard } from './guard.js'
import { writeReport } from './report-files.js'
import { comparisonText } from './results/compare.js'
import { readRun } from './results/run.js'
import { type RunRequest, runSections } from './run-sections.js'
import { RUN, SECTIONS } from './sections/index.js'
import { SEED } from './workloads/workload.js'

interface CommonOptions {
  readonly quick: boolean
  readonly seed: number
  readonly directory?: string
  readonly compare?: string
}

interface SectionOptions extends CommonOptions {
  readonly rounds?: number
  readonly seconds?: number
  readonly callers?: number
  readonly only: readonly string[]
  readonly output?: string
}

const program = new Command('npm run bench --')
  .description(
    'Measures Coatcheck beside what people use instead, prints tables, and writes bench/report: index.html and results.json.',
  )
  .helpCommand(false)
  .enablePositionalOptions()

function addCommonOptions(command: Command): Command {
  return command
    .option('--quick', 'few and short rounds: for a look, not for figures', false)
    .option('--seed <number>', 'what random choices begin with', wholeNumber, SEED)
    .option('--directory <path>', 'where on the disk; default the file system of the current directory')
    .option('--compare <file>', 'results.json of a run before: shows what has moved beyond the spread')
}

addCommonOptions(program).action(async (options: CommonOptions) => {
  const before = options.compare === undefined ? undefined : readRun(options.compare)
  const run = await runSections({
    ...requestOf('npm run bench', options),
    sections: RUN,
    thoroughness: options.quick ? 'quick' : 'run',
  })
  const files = await writeReport(run)
  if (before !== undefined) console.log(`\n${comparisonText(before, run)}`)
  console.log(`\n${run.seconds} s. Written:\n${files.map((file) => `  ${file}`).join('\n')}`)
})

for (const section of SECTIONS) {
  addCommonOptions(program.command(section.name))
    .summary(section.summary)
    .description(`${section.summary}.`)
    .option('--rounds <number>', 'rounds that count', positiveInteger)
    .option('--seconds <number>', 'length of each', positive)
    .option('--callers <number>', 'callers in a closed loop; visitors of a server', positiveInteger)
    .option('--only <name>', 'only those whose id contains this; may be repeated', collect, [])
    .option('--output <file>', 'write everything as JSON, too')
    .action(async (options: SectionOptions) => {
      const before = options.compare === undefined ? undefined : readRun(options.compare)
      const run = await runSections({
        ...requestOf(`npm run bench -- ${section.name}`, options),
        sections: [section],
        thoroughness: options.quick ? 'quick' : 'alone',
        only: options.only,
        asked: askedOf(options),
      })
      if (before !== undefined) console.log(`\n${comparisonText(before, run)}`)
      if (options.output !== undefined) writeFileSync(options.output, `${JSON.stringify(run, null, 2)}\n`)
    })
}

program
  .command('guard')
  .summary('a few ratios in a few seconds; fails on a loss far beyond the noise')
  .description('A few ratios in a few seconds. Fails on a loss far beyond the noise.')
  .action(async () => {
    if (!(await guard())) process.exitCode = 1
  })

program
  .command('look')
  .summary('shows the last report to a browser, on a phone and on a screen, and keeps pictures of it')
  .description(
    'Shows the last report to Chromium, on a phone and on a screen, by day and by night; keeps pictures of it beside it. Fails when something is empty or does not fit.',
  )
  .action(async () => {
    const { lookAtReport } = await import('./look.js')
    const { pictures, wrong } = await lookAtReport()
    for (const picture of pictures) console.log(picture)
    for (const problem of wrong) console.error(problem)
    if (wrong.length > 0) process.exitCode = 1
  })

program
  .command('readme')
  .summary('puts the last whole run into the README: one chart, one table')
  .description('Puts the chart of the last whole run into docs, and its table into the README.')
  .action(async () => {
    const { writeReadme } = await import('./readme.js')
    console.log(writeReadme().join('\n'))
  })

function requestOf(command: string, { quick, seed, directory }: CommonOptions): RunRequest {
  return {
    command: `${command}${quick ? `${command === 'npm run bench' ? ' --' : ''} --quick` : ''}`,
    sections: [],
    thoroughness: 'alone',
    asked: {},
    only: [],
    seed,
    directory,
  }
}

function askedOf({ rounds, seconds, callers }: SectionOptions): RunRequest['asked'] {
  return {
    ...(rounds === undefined ? {} : { rounds }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(callers === undefined ? {} : { callers }),
  }
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It has to be a number above 0.')
  return value
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It has to be a whole number.')
  return value
}

function positiveInteger(text: string): number {
  positive(text)
  return wholeNumber(text)
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
