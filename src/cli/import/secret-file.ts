import { readFileSync } from 'node:fs'

/**
 * A secret from a file or, where none is named, from the environment: on the command line itself everybody could read
 * it. The line end that editors put behind it is no part of it.
 */
export function secretFrom(file: string | undefined, variable: string): string | undefined {
  const secret = file === undefined ? process.env[variable] : readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  if (secret !== undefined && secret === '') {
    throw new TypeError(`${file ?? variable} is empty; expected a secret`)
  }
  return secret
}
