import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { runLoad } from './run-load.js'
import { serve } from './serve.js'

/*
 * npm start: an Express app that saves every session on every request, under load, and whether anything was lost.
 * npm start -- --serve: the same app, to be clicked on.
 */

interface StartOptions {
  readonly seconds: number
  readonly visitors: number
  readonly directory?: string
  readonly serve: boolean
  readonly port: number
}

const program = new Command('npm start --')
  .description(
    'A real Express app that saves every session on every request, and whether one of them is lost.',
  )
  .option('--seconds <number>', 'how long to keep it under load', numberFrom(0.1, 86_400), 10)
  .option(
    '--visitors <number>',
    'visitors, each with a connection and a cookie jar',
    wholeNumberFrom(1, 4096),
    256,
  )
  .option('--directory <path>', 'where the sessions live, and stay; default a temporary directory')
  .option('--serve', 'leave the app running for your browser instead', false)
  .option('--port <number>', 'for --serve', wholeNumberFrom(0, 65_535), 3000)
  .parse()

const INTERRUPTED = 130

const options = program.opts<StartOptions>()
const isTemporary = options.directory === undefined
const directory = isTemporary ? temporaryDirectory() : resolve(options.directory)

const interruption = new AbortController()
if (!options.serve) {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort())
}

try {
  const succeeded = options.serve
    ? await serve({ directory, port: options.port, isTemporary })
    : await runLoad({ ...options, directory, signal: interruption.signal })
  if (!succeeded) process.exitCode = 1
} catch (error) {
  if (!interruption.signal.aborted) console.error(error instanceof Error ? `error: ${error.message}` : error)
  process.exitCode = interruption.signal.aborted ? INTERRUPTED : 1
}

/** A directory that goes with this process, unless there is something to find out from it. */
function temporaryDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'coatcheck-every-request-'))
  process.once('exit', (code) => {
    if (code === 0 || code === INTERRUPTED) rmSync(parent, { recursive: true, force: true, maxRetries: 3 })
    else console.error(`the sessions are left in ${parent}`)
  })
  return join(parent, 'sessions')
}

function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is no number from ${least} to ${most}.`)
  }
}

function wholeNumberFrom(least: number, most: number): (text: string) => number {
  const parse = numberFrom(least, most)
  return (text) => {
    const value = parse(text)
    if (Number.isInteger(value)) return value
    throw new InvalidArgumentError('It is no whole number.')
  }
}
