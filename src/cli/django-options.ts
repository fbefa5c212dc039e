import type { Command } from 'commander'
import type { Codec } from '../codecs/codec.js'
import { django } from '../codecs/django.js'
import type { SealOptions } from '../engine/seal-option.js'
import { sealFrom } from './seal-keys.js'
import { addSecretKeyOptions, type SecretKeyOptions, secretKeysFrom } from './secret-keys.js'
import type { StoreOptions } from './store-options.js'

/** What opens the sessions of Django's file backend. */
export interface DjangoStoreOptions extends StoreOptions, SecretKeyOptions {
  readonly django?: boolean
  readonly cookieAge?: number
}

/** Lets a command work on sessions as Django's file backend keeps them. */
export function addDjangoOptions(command: Command): Command {
  command.option(
    '--django',
    "sessions are those of Django's file backend; the prefix is sessionid unless given",
  )
  return addSecretKeyOptions(command).option('--cookie-age <seconds>', "Django's SESSION_COOKIE_AGE", Number)
}

/** How the sessions of a directory are stored, its secrets read. */
export interface Stored {
  readonly store: StoreOptions
  readonly codec: Codec | undefined
  readonly seal: SealOptions | undefined
}

/**
 * Django's codec, and where Django puts its sessions; without `--django` no codec, the layout as it is said, and the seal.
 * @throws {TypeError} when the secret key is missing, and for keys to seal with: Django could not open anything
 */
export function storedAs(options: DjangoStoreOptions): Stored {
  const { django: isDjango, secretKeyFile, fallbackKeyFile, cookieAge, ...store } = options
  if (isDjango !== true) return { store, codec: undefined, seal: sealFrom(store) }
  if (store.sealKeys !== undefined) throw new TypeError('--seal-keys does not go with --django')
  if (store.acceptUnsealed === true) throw new TypeError('--accept-unsealed does not go with --django')
  const keys = secretKeysFrom(options)
  const codec = django({ ...keys, ...(cookieAge === undefined ? {} : { cookieAge }) })
  return { store: { layout: 'flat', prefix: 'sessionid', ...store }, codec, seal: undefined }
}
