import { availableParallelism } from 'node:os'
import type { StorageDescription } from '../../workers/protocol/index.js'
import type { Codec } from '../codecs/codec.js'
import { msgpack } from '../codecs/msgpack.js'
import { checkNames, numberOption, refuse, refuseUnseen } from '../option-checks.js'
import { type FilesOptions, files } from '../storage/files.js'
import { type SealOptions, sealOption } from './seal-option.js'

/** Options of {@link SessionEngine}; one of `storage` and `directory` is needed. */
export interface SessionEngineOptions {
  /** Where sessions live: `files({ ... })`. */
  storage?: StorageDescription
  /** Short for `storage: files({ directory })`. */
  directory?: FilesOptions['directory']
  /** How sessions become bytes: `msgpack()` (default), `json()`, `django({ … })` of `coatcheck/django`, or your own. */
  codec?: Codec
  /** Keys that sessions are encrypted with; see docs/seal.md. Default none: they are stored as they are. */
  seal?: SealOptions
  /** How long a session lives after it was last saved or touched, in seconds. Default two weeks, as in Django. */
  maxAge?: number
  /** Worker threads, 1 to 64. Default `'auto'`: see docs/architecture.md for what that is and why. */
  threads?: number | 'auto'
  /** Bounds of what is accepted and not yet stored; past them, `OverloadedError`. */
  maxPending?: {
    /** Default 100 000. */
    operations?: number
    /** Bytes of encoded sessions. Default 64 MiB. */
    bytes?: number
  }
  /** Seconds between two sweeps of expired sessions, or `false`. Default 3 600. */
  sweepInterval?: number | false
}

/** The same with every default filled in. */
export interface FilledOptions {
  readonly storage: StorageDescription
  readonly codec: Codec
  readonly sealed: boolean
  readonly maxAge: number
  readonly threads: number
  readonly maxPending: { readonly operations: number; readonly bytes: number }
  readonly sweepInterval: number | false
}

/** Names of the engine's options. */
export const ENGINE_OPTIONS = [
  'storage',
  'directory',
  'codec',
  'maxAge',
  'threads',
  'maxPending',
  'sweepInterval',
  'seal',
] as const

const TWO_WEEKS = 1_209_600
/** A hundred years: past it, milliseconds stop being exact on some file systems. */
const LONGEST_AGE = 3_153_600_000
/** Node's timers hold no longer. */
const LONGEST_INTERVAL = 2_147_483

/**
 * Threads for `'auto'`, four at the most: one for every processor and two at the least where they wait for a disk, one for
 * every two processors where they wait for servers and do other work meanwhile. The figures behind it are in docs/architecture.md.
 */
export function automaticThreads(
  { waitsForOthers = false }: Pick<StorageDescription, 'waitsForOthers'>,
  processors: number = availableParallelism(),
): number {
  const wanted = waitsForOthers ? Math.max(1, Math.floor(processors / 2)) : Math.max(2, processors)
  return Math.min(4, wanted)
}

/**
 * Checks options and fills in defaults.
 * @throws {TypeError} naming the option, its value and what was expected
 */
export function fillOptions(options: SessionEngineOptions): FilledOptions {
  checkNames('options', options, ENGINE_OPTIONS)
  const pending = options.maxPending ?? {}
  checkNames('maxPending', pending, ['operations', 'bytes'])
  const codec = codecOption(options.codec)
  const storage = sealedBy(options.seal, codec, withFormatOf(codec, storageOption(options)))
  return {
    storage,
    codec,
    sealed: options.seal !== undefined,
    maxAge: numberOption('maxAge', options.maxAge, TWO_WEEKS, {
      least: 1,
      most: LONGEST_AGE,
      unit: 'seconds',
    }),
    threads:
      options.threads === undefined || options.threads === 'auto'
        ? automaticThreads(storage)
        : numberOption('threads', options.threads, 0, {
            least: 1,
            most: 64,
            unit: "threads, or 'auto',",
            whole: true,
          }),
    maxPending: {
      operations: numberOption('maxPending.operations', pending.operations, 100_000, {
        least: 1,
        most: 10_000_000,
        unit: 'operations',
        whole: true,
      }),
      bytes: numberOption('maxPending.bytes', pending.bytes, 64 * 2 ** 20, {
        least: 1,
        most: 2 ** 40,
        unit: 'bytes',
        whole: true,
      }),
    },
    sweepInterval:
      options.sweepInterval === false
        ? false
        : numberOption('sweepInterval', options.sweepInterval, 3600, {
            least: 1,
            most: LONGEST_INTERVAL,
            unit: 'seconds, or false,',
          }),
  }
}

function storageOption({ storage, directory }: SessionEngineOptions): StorageDescription {
  if (storage === undefined) {
    if (directory === undefined)
      refuse('storage', storage, 'a storage such as files({ directory }), or directory')
    return files({ directory })
  }
  if (directory !== undefined) refuse('directory', directory, 'to be absent where storage is given')
  if (typeof storage !== 'object' || storage === null || typeof storage.lanes !== 'function') {
    refuse('storage', storage, 'a storage such as files({ directory })')
  }
  return storage
}

/** A codec may keep its sessions as another program has them, in records that are not the storage's own. */
function withFormatOf({ name, recordFormat }: Codec, storage: StorageDescription): StorageDescription {
  if (recordFormat === undefined) return storage
  const { module, options } = recordFormat
  const formatted = storage.withRecordFormat?.({ module, options })
  return (
    formatted ??
    refuse(
      'storage',
      storage.kind,
      `files({ layout: 'flat', … }), the only one that can keep sessions of codec ${name}`,
    )
  )
}

function sealedBy(
  seal: SealOptions | undefined,
  codec: Codec,
  storage: StorageDescription,
): StorageDescription {
  const binding = sealOption(seal)
  if (binding === undefined) return storage
  if (codec.recordFormat !== undefined) {
    const expected = `to be absent with the codec ${codec.name}: whoever shares its sessions could not open them`
    refuseUnseen('seal', 'given', expected)
  }
  return storage.withSeal?.(binding) ?? refuse('storage', storage.kind, 'one that can seal: files({ … })')
}

function codecOption(codec: Codec | undefined): Codec {
  if (codec === undefined) return msgpack()
  if (
    typeof codec !== 'object' ||
    codec === null ||
    typeof codec.encode !== 'function' ||
    typeof codec.decode !== 'function' ||
    !Number.isInteger(codec.id) ||
    codec.id < 0 ||
    codec.id > 0xffffffff
  ) {
    refuse('codec', codec, 'a codec such as msgpack() or json(), with id, encode and decode')
  }
  return codec
}

/** When a session expires: seconds from now, or a moment. */
export type Expiry = { readonly maxAge?: number } | { readonly expires?: Date }

/**
 * The moment at which a session expires, in milliseconds since the epoch: never before that, for such a time no file can be given
 * everywhere, and a hundred years from now at the latest.
 * @throws {TypeError} for anything but a number of seconds or a valid Date
 */
export function expiryOf(expiry: Expiry | undefined, maxAge: number, now: number): number {
  if (expiry === undefined) return now + maxAge * 1000
  if (typeof expiry !== 'object' || expiry === null) refuse('expiry', expiry, '{ maxAge } or { expires }')
  if ('expires' in expiry && expiry.expires !== undefined) {
    const at = expiry.expires instanceof Date ? expiry.expires.getTime() : Number.NaN
    if (Number.isNaN(at)) refuse('expires', expiry.expires, 'a valid Date')
    return Math.min(Math.max(0, at), now + LONGEST_AGE * 1000)
  }
  const seconds = 'maxAge' in expiry && expiry.maxAge !== undefined ? expiry.maxAge : maxAge
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) refuse('maxAge', seconds, 'a number of seconds')
  return Math.max(0, now + Math.min(seconds, LONGEST_AGE) * 1000)
}
