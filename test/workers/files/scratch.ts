import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory of the test's own, removed when the process ends, however it ends by itself. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coatcheck-test-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  return directory
}

process.setMaxListeners(0)
