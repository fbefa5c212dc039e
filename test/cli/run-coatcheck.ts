import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'

/** What the package says of its command line. */
export const PACKAGE = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as {
  version: string
  bin: { coatcheck: string }
}

/** The file that the package's `bin` names. */
export const SCRIPT = fileURLToPath(new URL(`../../../${PACKAGE.bin.coatcheck}`, import.meta.url))

/** How the command ended, and what it said. */
export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the real command, its output in pipes; this process goes on meanwhile, with the engines in it. Neither a stack nor
 * anything that only a terminal understands may come out.
 */
export async function coatcheck(...values: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [SCRIPT, ...values], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  assert.not.match(stderr, /\n {4}at /, 'no stack')
  assert.not.match(stdout + stderr, /[^\P{Cc}\t\n]/u, 'nothing for a terminal')
  return { status, stdout, stderr }
}

/** The lines of an output, each of them JSON. */
export function jsonLines(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}
