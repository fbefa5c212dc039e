import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'

/** The command as it is installed. */
export const SCRIPT = fileURLToPath(new URL('../../../dist/src/cli/coatcheck.js', import.meta.url))

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
