import { spawnSync } from 'node:child_process'
import * as assert from 'uvu/assert'
import { SCRIPT } from './run-coatcheck.js'

/** How the command ended. */
export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `coatcheck import …` with its output in a pipe. */
export function runImport(values: readonly string[], environment: Record<string, string> = {}): Ended {
  const env = { ...process.env, ...environment }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, 'import', ...values], {
    encoding: 'utf8',
    env,
  })
  assert.not.match(stderr, /\n {4}at /, 'no stack')
  return { status, stdout, stderr }
}
