import type { Command } from 'commander'
import type { SealOptions } from '../engine/seal-option.js'
import { secretFrom } from './secret-file.js'

/** Where the keys are that sessions are sealed with. */
export interface SealKeyOptions {
  readonly sealKeys?: string
  readonly acceptUnsealed?: boolean
}

const VARIABLE = 'COATCHECK_SEAL_KEYS'

/** Lets a command open what is sealed. */
export function addSealOptions(command: Command): Command {
  return command
    .option('--seal-keys <file>', `the engine's seal.keys, one a line, the newest first; or set ${VARIABLE}`)
    .option('--accept-unsealed', 'as in seal.acceptUnsealed')
}

/**
 * The engine's option; `undefined` where no keys are given.
 * @throws {TypeError} for a file without keys
 */
export function sealFrom({ sealKeys, acceptUnsealed = false }: SealKeyOptions): SealOptions | undefined {
  const text = secretFrom(sealKeys, VARIABLE)
  if (text === undefined) {
    if (acceptUnsealed)
      throw new TypeError(`--accept-unsealed goes with keys: use --seal-keys, or set ${VARIABLE}`)
    return undefined
  }
  return { keys: text.split(/\r?\n/).filter((line) => line !== ''), acceptUnsealed }
}

/** @throws {TypeError} where no keys are given to somebody who needs them */
export function requireKeys(options: SealKeyOptions): void {
  if (sealFrom(options) === undefined)
    throw new TypeError(`keys to seal with are needed: use --seal-keys, or set ${VARIABLE}`)
}

/** The same words with those of the command line, for whoever reads a reason there. */
export function sealAdvice(reason: string): string {
  return `${reason}; use --seal-keys or --accept-unsealed`
}
