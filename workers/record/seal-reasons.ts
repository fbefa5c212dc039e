/*
 * Why a sound record is not opened, and what to do about it. Not one of them is a reason to move a file: an engine that was
 * given the wrong keys must not take everybody's sessions away.
 */

/** Said of a sealed record where there are no keys at all. */
export const SEALED = 'sealed: seal.keys are needed to open it'
/** Said of one where there are others. */
export const UNKNOWN_KEY = 'sealed by another key: it is to be added to seal.keys'
/** Said of what is not sealed where everything should be. */
export const UNSEALED = 'not sealed: read only with seal.acceptUnsealed'

const REASONS: readonly string[] = [SEALED, UNKNOWN_KEY, UNSEALED]

/** Whether this is about keys, and not about the record. */
export function isSealReason(reason: string): boolean {
  return REASONS.includes(reason)
}

/** Said of what one of our keys has sealed, but not so, or not for this session. */
export const TAMPERED = 'its seal is broken: changed, or the record of another session'
