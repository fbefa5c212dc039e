import type { Command } from 'commander'
import type { Codec } from '../codecs/codec.js'
import { django } from '../codecs/django.js'
import { secretFrom } from './secret-file.js'
import type { StoreOptions } from './store-options.js'

/** What opens the sessions of Django's file backend. */
export interface DjangoStoreOptions extends StoreOptions {
  readonly django?: boolean
  readonly secretKeyFile?: string
  readonly fallbackKeyFile?: readonly string[]
  readonly cookieAge?: number
}

const SECRET_VARIABLE = 'DJANGO_SECRET_KEY'

/** Lets a command work on sessions as Django's file backend keeps them. */
export function addDjangoOptions(command: Command): Command {
  return command
    .option('--django', "sessions are those of Django's file backend; the prefix is sessionid unless given")
    .option('--secret-key-file <file>', `Django's SECRET_KEY; or set ${SECRET_VARIABLE}`)
    .option(
      '--fallback-key-file <file>',
      "one of Django's SECRET_KEY_FALLBACKS; may be given again",
      (file: string, files: readonly string[] = []) => [...files, file],
    )
    .option('--cookie-age <seconds>', "Django's SESSION_COOKIE_AGE", Number)
}

/**
 * Django's codec, and where Django puts its sessions; without `--django` no codec, and the layout as it is said.
 * @throws {TypeError} when the secret key is missing
 */
export function storedAs(options: DjangoStoreOptions): {
  readonly store: StoreOptions
  readonly codec: Codec | undefined
} {
  const { django: isDjango, secretKeyFile, fallbackKeyFile = [], cookieAge, ...store } = options
  if (isDjango !== true) return { store, codec: undefined }
  const secretKey = secretFrom(secretKeyFile, SECRET_VARIABLE)
  if (secretKey === undefined)
    throw new TypeError(`Django's SECRET_KEY is needed: use --secret-key-file, or set ${SECRET_VARIABLE}`)
  const fallbackKeys = fallbackKeyFile.map((file) => secretFrom(file, SECRET_VARIABLE) ?? '')
  const codec = django({ secretKey, fallbackKeys, ...(cookieAge === undefined ? {} : { cookieAge }) })
  return { store: { layout: 'flat', prefix: 'sessionid', ...store }, codec }
}
