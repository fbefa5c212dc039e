import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where an example keeps its sessions: the directory it was given, or a temporary one that goes when it ends. */
export function exampleDirectory(given: string | undefined): string {
  if (given !== undefined) return given
  const parent = mkdtempSync(join(tmpdir(), 'coatcheck-example-'))
  process.once('exit', () => rmSync(parent, { recursive: true, force: true, maxRetries: 3 }))
  return join(parent, 'sessions')
}
