import { SecretError } from './errors.js'
import type { SecretProblem, SessionSource } from './source.js'

/** So many sessions that cannot be read, and none that can: it is the secret, and not them. */
const ENOUGH = 16

/**
 * Reads sessions until one can be read, so that a wrong secret is told at once, not after a million attempts.
 * @throws {SecretError} when the first of them cannot be read, all for the sake of the secret
 */
export async function proveSecret(source: SessionSource): Promise<void> {
  let problem: SecretProblem | undefined
  let refused = 0
  for await (const entry of source.entries()) {
    if (entry.key === undefined) continue
    const reading = await entry.read()
    if (reading.state === 'session' || reading.state === 'expired') return
    if (reading.state !== 'unreadable' || reading.secret === undefined) continue
    problem ??= reading.secret
    refused++
    if (refused === ENOUGH) break
  }
  if (problem !== undefined) throw new SecretError(problem)
}
