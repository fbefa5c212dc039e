import { realpathSync, statSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { LARGEST_PAYLOAD } from '../../../workers/files/inspect/session-file.js'
import { type Address, addressIn } from '../copy/address.js'
import type { EndOptions } from '../copy/open-end.js'
import { CorruptNotes } from '../corrupt-notes.js'
import { ExitCode } from '../exit-codes.js'
import { addSealOptions, type SealKeyOptions, sealFrom } from '../seal-keys.js'
import { secretFrom } from '../secret-file.js'

interface Options extends SealKeyOptions {
  readonly from: string
  readonly to: string
  readonly fromPrefix?: string
  readonly toPrefix?: string
  readonly layout?: 'sharded' | 'flat'
  readonly hashNames?: boolean
  readonly fsync?: boolean
  readonly codec: number
  readonly mirror?: boolean
  readonly passwordFile?: string
  readonly maxRecordBytes: number
  readonly json?: boolean
}

const PASSWORD = 'COATCHECK_REDIS_PASSWORD'
/** As `msgpack()` and `json()` have them. */
const CODECS: Readonly<Record<string, number>> = { msgpack: 1, json: 2 }

/** `coatcheck copy`. */
export function addCopy(program: Command): void {
  const command = program
    .command('copy')
    .description('copy sessions from files to Redis, back, or between two of a kind; a second run goes on')
    .requiredOption('--from <address>', 'files:DIRECTORY, redis:URL or cluster:URL; nothing there is changed')
    .requiredOption('--to <address>', 'the same: where sessions go to')
    .option('--from-prefix <prefix>', 'the prefix that they have there')
    .option('--to-prefix <prefix>', 'the prefix that they are to have')
    .option(
      '--mirror',
      'also write over sessions that differ, and delete those that the source does not have',
    )
    .addOption(
      new Option('--codec <codec>', 'how sessions are encoded: msgpack, json, or the id of a codec of yours')
        .default(CODECS.msgpack, 'msgpack')
        .argParser(codecIn),
    )
    .option('--password-file <file>', `password of a server whose URL has none; or set ${PASSWORD}`)
    .addOption(
      new Option('--layout <layout>', 'of the directory; by default what it shows').choices([
        'sharded',
        'flat',
      ]),
    )
    .option('--hash-names', 'as in files({ hashNames }), of the directory that sessions go to')
    .option('--fsync', 'what is copied into a directory survives a power cut')
    .option('--max-record-bytes <bytes>', 'larger sessions are refused', Number, LARGEST_PAYLOAD)
    .option('--json', 'print one line of JSON')
  addSealOptions(command).action(copy)
}

function codecIn(text: string): number {
  const id = CODECS[text] ?? Number(text)
  if (Number.isInteger(id) && id > 0 && id < 2 ** 32) return id
  throw new InvalidArgumentError('Expected msgpack, json or the id of a codec.')
}

async function copy(options: Options): Promise<void> {
  const from = addressIn('--from', options.from)
  const to = addressIn('--to', options.to)
  requireTwo(from, to, options)
  const seal = sealFrom(options)
  const password = secretFrom(options.passwordFile, PASSWORD)
  // Not before it is needed: help and mistakes are answered at once.
  const [{ untouched }, { AT_ONCE }, { openEnd }, { runCopy }] = await Promise.all([
    import('../../copy/payload.js'),
    import('../../copy/copy-sessions.js'),
    import('../copy/open-end.js'),
    import('../copy/run-copy.js'),
  ])
  const moving = { codec: untouched(options.codec), seal, atOnce: AT_ONCE }
  const { layout, hashNames = false, fsync = false, maxRecordBytes, mirror = false, json = false } = options
  const common = { layout, password, maxRecordBytes } satisfies Partial<EndOptions>
  const notes = new CorruptNotes()
  // What a journal there had acknowledged has to be as safe in files before it goes.
  const source = await openEnd(
    from,
    { ...common, end: 'source', prefix: options.fromPrefix, hashNames: false, fsync: true },
    moving,
  )
  notes.of(source)
  try {
    await source.ready()
    const target = await openEnd(
      to,
      { ...common, end: 'target', prefix: options.toPrefix, hashNames, fsync },
      moving,
    )
    notes.of(target)
    try {
      await target.ready()
      await runCopy({ source, target, mirror, json })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
  if (notes.print()) process.exitCode = ExitCode.FAILED
}

/** @throws {TypeError} when both are one place */
function requireTwo(from: Address, to: Address, options: Options): void {
  if (from.kind === 'redis' && to.kind === 'redis') {
    if (from.url === to.url && options.fromPrefix === options.toPrefix)
      throw new TypeError(
        'sessions cannot be copied to where they come from; choose another server, or --to-prefix',
      )
    return
  }
  if (from.kind !== 'files' || to.kind !== 'files') return
  const exists = [from, to].every(
    ({ directory }) => statSync(directory, { throwIfNoEntry: false }) !== undefined,
  )
  if (exists && realpathSync(from.directory) === realpathSync(to.directory))
    throw new TypeError('sessions cannot be copied into the directory that they come from; choose another')
}
