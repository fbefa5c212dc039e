import { realpathSync, statSync } from 'node:fs'
import { json } from '../../codecs/json.js'
import { msgpack } from '../../codecs/msgpack.js'
import type { SessionEngine } from '../../engine/session-engine.js'
import { AT_ONCE, moveIn } from '../../import/move-in.js'
import type { SessionSource } from '../../import/source.js'
import type { MovedSessions } from '../../import/tally.js'
import { ExitCode } from '../exit-codes.js'
import { openDirectory } from '../open-directory.js'
import { jsonLine, print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import { sealFrom } from '../seal-keys.js'
import { requireDirectory } from '../store-options.js'
import { complaintsOf, plainCounts, summaryOf } from './report.js'
import type { TargetOptions } from './target-options.js'

/** Moves the sessions of a source into a directory, and tells what has become of them. */
export async function runImport(
  source: SessionSource,
  { from, to }: { readonly from: string; readonly to: string },
  options: TargetOptions,
): Promise<void> {
  checkDirectories(from, to)
  const codec = options.codec === 'json' ? json() : msgpack()
  const engine = await openDirectory(to, options, { codec, seal: sealFrom(options), atOnce: AT_ONCE })
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  // Once: whoever cannot wait for what is under way interrupts again.
  process.once('SIGINT', interrupt)
  let moved: MovedSessions
  try {
    moved = await moveShown(source, engine, interruption.signal)
  } finally {
    process.off('SIGINT', interrupt)
    await engine.close()
  }
  const { aborted: interrupted } = interruption.signal
  await print([options.json === true ? jsonLine({ ...plainCounts(moved), interrupted }) : summaryOf(moved)])
  for (const complaint of complaintsOf(moved, from)) console.error(complaint)
  if (interrupted) console.error('interrupted; run it again to go on')
  if (interrupted || moved.unreadable > 0) process.exitCode = ExitCode.FAILED
}

function checkDirectories(from: string, to: string): void {
  requireDirectory(from)
  const target = statSync(to, { throwIfNoEntry: false })
  if (target !== undefined) requireDirectory(to)
  if (target !== undefined && realpathSync(from) === realpathSync(to)) {
    throw new TypeError('sessions cannot be imported into the directory that they come from; choose another')
  }
}

async function moveShown(
  source: SessionSource,
  engine: SessionEngine,
  signal: AbortSignal,
): Promise<MovedSessions> {
  // To count a million names takes a second, for somebody who sees it.
  if (process.stderr.isTTY !== true) return await moveIn({ source, engine, signal })
  const total = await countEntries(source)
  const bar = new ProgressBar(
    'importing {bar} {percentage} % | {value} of {total} | {imported} imported | {eta_formatted} left',
  )
  const onProgress = (moved: MovedSessions): void =>
    bar.show(doneOf(moved), total, { imported: moved.imported })
  try {
    return await moveIn({ source, engine, signal, onProgress })
  } finally {
    bar.end()
  }
}

async function countEntries(source: SessionSource): Promise<number> {
  let count = 0
  for await (const _entry of source.entries()) count++
  return count
}

function doneOf({ imported, existing, expired, unreadable, foreign, gone }: MovedSessions): number {
  return imported + existing + expired + unreadable + foreign + gone
}
