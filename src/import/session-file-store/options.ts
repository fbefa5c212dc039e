import { resolve } from 'node:path'
import { checkNames, kindOf, numberOption, refuse, refuseUnseen } from '../../option-checks.js'
import { mostSourceBytes } from '../most-bytes.js'
import { DEFAULT_ENCRYPTION, type EncryptionOptions } from './encryption.js'

/** Options of {@link sessionFileStoreSource}: those that the application gave to session-file-store, by the same names. */
export interface SessionFileStoreOptions {
  /** Its directory. */
  path: string
  /** Seconds that a session lives whose cookie has no `maxAge`. Default 3 600. */
  ttl?: number
  /** What the names of its files end with. Default `'.json'`. */
  fileExtension?: string
  /** Of its files, for a decoder that takes text; `null` for one that takes a Buffer. Default `'utf8'`. */
  encoding?: BufferEncoding | null
  /** Makes a session of what is in a file. Default `JSON.parse`. */
  decoder?: (encoded: string | Buffer) => unknown
  /** What sessions are encrypted with. Default: they are not. */
  secret?: string
  /** How they are encrypted. Default AES-256-GCM, SHA-512, scrypt. */
  crypto?: EncryptionOptions
  /** As in the engine that sessions are moved to: `files({ maxRecordBytes })`. Default 1 MiB. */
  maxRecordBytes?: number
}

/** The same with every default filled in. */
export interface FilledOptions extends Required<Omit<SessionFileStoreOptions, 'secret' | 'maxRecordBytes'>> {
  readonly secret: string | undefined
  /** The largest file. */
  readonly mostBytes: number
}

/**
 * Checks options and fills in defaults.
 * @throws {TypeError} naming the option, its value and what was expected; the secret is not shown
 */
export function fillOptions(options: SessionFileStoreOptions): FilledOptions {
  checkNames('options', options, [
    'path',
    'ttl',
    'fileExtension',
    'encoding',
    'decoder',
    'secret',
    'crypto',
    'maxRecordBytes',
  ])
  const { path, fileExtension = '.json', encoding = 'utf8', secret } = options
  if (typeof path !== 'string' || path === '') refuse('path', path, 'the path of a directory')
  if (typeof fileExtension !== 'string') refuse('fileExtension', fileExtension, 'what file names end with')
  if (encoding !== null && !Buffer.isEncoding(encoding)) {
    refuse('encoding', encoding, 'an encoding that Node knows, or null')
  }
  const decoder = options.decoder ?? ((encoded) => JSON.parse(encoded.toString()) as unknown)
  if (typeof decoder !== 'function') refuse('decoder', decoder, 'a function')
  if (secret !== undefined && (typeof secret !== 'string' || secret === '')) {
    refuseUnseen('secret', kindOf(secret), 'a text of at least one character')
  }
  if (options.crypto !== undefined && secret === undefined) {
    refuse('crypto', options.crypto, 'to be absent without a secret')
  }
  return {
    path: resolve(path),
    ttl: numberOption('ttl', options.ttl, 3600, { least: 0, most: 3_153_600_000, unit: 'seconds' }),
    fileExtension,
    encoding,
    decoder,
    secret,
    mostBytes: mostSourceBytes(options.maxRecordBytes),
    crypto: options.crypto ?? DEFAULT_ENCRYPTION,
  }
}
