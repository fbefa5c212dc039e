import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LiveLine } from './live-line.js'
import type { DriveReport } from './load.js'
import { Shop } from './shop.js'
import type { Expectation } from './visitor.js'

/** Keeps the app under load, closes it, and lets another process look what is on disk. True when nothing is lost. */
export async function runLoad(options: {
  readonly directory: string
  readonly visitors: number
  readonly seconds: number
  /** Ends it early: closes what is open and rejects. */
  readonly signal: AbortSignal
}): Promise<boolean> {
  const { directory, visitors, seconds, signal } = options
  console.log(`${visitors} visitors change their carts for ${seconds} s; every request saves a session.`)
  console.log(`Sessions are in ${directory}.\n`)
  const shop = await Shop.open(directory, 0)
  const liveLine = new LiveLine(shop.engine, () => shop.requests)
  let report: DriveReport
  try {
    report = await drive(shop.url, visitors, seconds, signal)
  } finally {
    liveLine.stop()
    await shop.close()
  }
  printReport(report, shop)
  const verified = await verify(directory, report.expectations)
  signal.throwIfAborted()
  return verified && shop.errors === 0 && report.failed === 0
}

function printReport({ seconds, latency, failed }: DriveReport, shop: Shop): void {
  const { batches, latency: store } = shop.engine.stats()
  const rate = Math.round(shop.requests / seconds)
  console.log(`\n${shop.requests} requests in ${seconds.toFixed(1)} s, ${rate} a second`)
  console.log(
    `an answer took ${latency.p50} ms (p50), ${latency.p99} ms (p99), ${latency.max} ms at the most`,
  )
  const [p50, p99] = [store.p50, store.p99].map((milliseconds) => milliseconds.toFixed(1))
  console.log(`the store ${p50} ms (p50), ${p99} ms (p99), in batches of ${batches.meanSize.toFixed(1)}`)
  if (failed > 0) console.log(`${failed} requests were not answered with 200`)
  if (shop.errors > 0) console.log(`${shop.errors} requests ended with an error`)
  console.log('Server and store are closed. Another process reads every session from disk:\n')
}

async function drive(
  url: string,
  visitors: number,
  seconds: number,
  signal: AbortSignal,
): Promise<DriveReport> {
  const child = fork(scriptBeside('./drive.js'), [url, String(visitors), String(seconds)], { signal })
  let report: DriveReport | undefined
  child.once('message', (message) => {
    report = message as DriveReport
  })
  await endOf(child)
  signal.throwIfAborted()
  if (report === undefined) throw new Error('the process that makes the load died')
  return report
}

async function verify(directory: string, expectations: readonly Expectation[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-expectations-'))
  try {
    const file = join(folder, 'expectations.json')
    writeFileSync(file, JSON.stringify(expectations), { mode: 0o600 })
    return (await endOf(fork(scriptBeside('./verify.js'), [directory, file]))) === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function scriptBeside(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** The exit code of a child, which does not outlive this process. */
async function endOf(child: ChildProcess): Promise<number | null> {
  const end = () => child.kill()
  process.once('exit', end)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  } finally {
    process.off('exit', end)
  }
}
