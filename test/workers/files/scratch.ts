import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Linux keeps files in memory: for tests that make very many. */
const MEMORY = '/dev/shm'

/** A directory of the test's own, removed when the process ends, however it ends by itself. */
export function scratchDirectory(where: 'disk' | 'memory' = 'disk'): string {
  const parent = where === 'memory' && existsSync(MEMORY) ? MEMORY : tmpdir()
  const directory = mkdtempSync(join(parent, 'coatcheck-test-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  return directory
}

process.setMaxListeners(0)
