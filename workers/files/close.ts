import { closeSync } from 'node:fs'

/**
 * Closes a descriptor on a way on which its outcome tells nothing: what it wrote is synced, or is thrown away. The
 * descriptor is gone even when the call fails, and what is under way must go on.
 */
export function closeAnyway(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // Told by whatever failed before it, if anything did.
  }
}
