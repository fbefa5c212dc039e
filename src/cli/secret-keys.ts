import type { Command } from 'commander'
import { secretFrom } from './secret-file.js'

/** Where Django's secret keys are. */
export interface SecretKeyOptions {
  readonly secretKeyFile?: string
  readonly fallbackKeyFile?: readonly string[]
}

const SECRET_VARIABLE = 'DJANGO_SECRET_KEY'

/** Lets a command know the keys that Django signs sessions with. */
export function addSecretKeyOptions(command: Command): Command {
  return command
    .option('--secret-key-file <file>', `Django's SECRET_KEY; or set ${SECRET_VARIABLE}`)
    .option(
      '--fallback-key-file <file>',
      "one of Django's SECRET_KEY_FALLBACKS; may be given again",
      (file: string, files: readonly string[] = []) => [...files, file],
    )
}

/**
 * The keys themselves.
 * @throws {TypeError} when the secret key is missing
 */
export function secretKeysFrom({ secretKeyFile, fallbackKeyFile = [] }: SecretKeyOptions): {
  readonly secretKey: string
  readonly fallbackKeys: readonly string[]
} {
  const secretKey = secretFrom(secretKeyFile, SECRET_VARIABLE)
  if (secretKey === undefined)
    throw new TypeError(`Django's SECRET_KEY is needed: use --secret-key-file, or set ${SECRET_VARIABLE}`)
  return { secretKey, fallbackKeys: fallbackKeyFile.map((file) => secretFrom(file, SECRET_VARIABLE) ?? '') }
}
