import type { Command } from 'commander'
import type { SealOptions } from '../engine/seal-option.js'
import { secretFrom } from './secret-file.js'

/** Where the keys are that sessions are sealed with. */
export interface SealKeyOptions {
  readonly sealKeys?: string
  readonly acceptUnsealed?: boolean
}

const VARIABLE = 'COATCHECK_SEAL_KEYS'
/** What says that the rest of a line stands for bytes. */
const BYTES = /^(base64|hex):(.*)$/

/** Lets a command open what is sealed. */
export function addSealOptions(command: Command): Command {
  return command
    .option('--seal-keys <file>', `the engine's seal.keys, one a line, the newest first; or set ${VARIABLE}`)
    .option('--accept-unsealed', 'as in seal.acceptUnsealed')
}

/**
 * The engine's option; `undefined` where no keys are given. The file is read, which a pipe can be once.
 * @throws {TypeError} for a file without keys
 */
export function sealFrom({ sealKeys, acceptUnsealed = false }: SealKeyOptions): SealOptions | undefined {
  const text = secretFrom(sealKeys, VARIABLE)
  if (text === undefined) {
    if (acceptUnsealed)
      throw new TypeError(`--accept-unsealed goes with keys: use --seal-keys, or set ${VARIABLE}`)
    return undefined
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  if (lines.length === 0)
    throw new TypeError(`${sealKeys ?? VARIABLE} is empty; expected keys, one a line, the newest first`)
  return { keys: lines.map((line, index) => keyIn(line, index + 1)), acceptUnsealed }
}

/** @throws {TypeError} where no keys are given to somebody who needs them */
export function requireKeys(seal: SealOptions | undefined): void {
  if (seal === undefined)
    throw new TypeError(`keys to seal with are needed: use --seal-keys, or set ${VARIABLE}`)
}

/** The same words with those of the command line, for whoever reads a reason there. */
export function sealAdvice(reason: string): string {
  return `${reason}; use --seal-keys or --accept-unsealed`
}

function keyIn(line: string, number: number): string | Uint8Array {
  const [, notation, text = ''] = BYTES.exec(line) ?? []
  if (notation === undefined) return line
  const bytes = Buffer.from(text, notation === 'hex' ? 'hex' : 'base64')
  // What is no such digit Node passes over.
  const same = notation === 'hex' ? bytes.toString('hex') === text.toLowerCase() : isBase64Of(bytes, text)
  if (!same) throw new TypeError(`key ${number} is no ${notation}, though it begins with ${notation}:`)
  return bytes
}

function isBase64Of(bytes: Buffer, text: string): boolean {
  const digits = text.replace(/=+$/, '')
  return bytes.toString('base64url') === digits.replaceAll('+', '-').replaceAll('/', '_')
}
