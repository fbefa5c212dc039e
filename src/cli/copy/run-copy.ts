import { compareSessions } from '../../copy/compare-sessions.js'
import { type CopiedSessions, copySessions } from '../../copy/copy-sessions.js'
import type { SessionEngine } from '../../engine/session-engine.js'
import { UnsupportedError } from '../../errors.js'
import { ExitCode } from '../exit-codes.js'
import { jsonLine, print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import { adviceOf, type CopyReport, isSame, linesOf, plainReport } from './report.js'

const HASHED =
  'there are sessions at the source, and none has a key that is known: where names are hashed they cannot be copied'

/** Options of {@link runCopy}. */
export interface RunCopyOptions {
  readonly source: SessionEngine
  readonly target: SessionEngine
  readonly mirror: boolean
  readonly json: boolean
}

/** Copies, looks at everything once more, and tells what has become of it. Whoever has opened the engines closes them. */
export async function runCopy({ source, target, mirror, json }: RunCopyOptions): Promise<void> {
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  // Once: whoever cannot wait for what is under way interrupts again.
  process.once('SIGINT', interrupt)
  let report: CopyReport
  try {
    report = await copyShown({ source, target, mirror, signal: interruption.signal })
  } finally {
    process.off('SIGINT', interrupt)
  }
  const interrupted = report.comparison === undefined
  await print(json ? [jsonLine({ ...plainReport(report), interrupted })] : linesOf(report))
  for (const advice of adviceOf(report.copied)) console.error(advice)
  if (interrupted) console.error('interrupted; run it again to go on')
  if (report.comparison === undefined || !isSame(report.comparison) || isLacking(report.copied))
    process.exitCode = ExitCode.FAILED
}

/** Whether the target lacks something that the comparison does not know of. */
function isLacking({ foreign, refused }: CopiedSessions): boolean {
  return foreign > 0 || refused > 0
}

async function copyShown({
  source,
  target,
  mirror,
  signal,
}: Omit<RunCopyOptions, 'json'> & { readonly signal: AbortSignal }): Promise<CopyReport> {
  const total = await source.count()
  const shown = 'copying {bar} {percentage} % | {value} of {total} | {eta_formatted} left'
  const copied = await barred(shown, total, (show) =>
    copySessions({
      source,
      target,
      others: mirror ? 'mirror' : 'keep',
      signal,
      onProgress: (counts) => show(doneOf(counts)),
    }),
  )
  if (signal.aborted) return { copied, comparison: undefined }
  if (total > 0 && doneOf(copied) === 0) throw new UnsupportedError(HASHED)
  const comparison = await barred(shown.replace('copying', 'verifying'), total, (show) =>
    compareSessions({ source, target, signal, onProgress: show }),
  )
  return { copied, comparison: signal.aborted ? undefined : comparison }
}

async function barred<Result>(
  format: string,
  total: number,
  work: (show: (done: number) => void) => Promise<Result>,
): Promise<Result> {
  const bar = new ProgressBar(format)
  try {
    return await work((done) => bar.show(done, Math.max(total, done), {}))
  } finally {
    bar.end()
  }
}

function doneOf({ copied, existing, different, replaced, gone, foreign, refused }: CopiedSessions): number {
  return copied + existing + different + replaced + gone + foreign + refused
}
