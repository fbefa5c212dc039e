import { randomBytes } from 'node:crypto'
import { type KeyDigest, sliceOf } from '../protocol/index.js'
import { type DecodedName, digestName, isDigestName, nameOfDigest } from './names.js'
import { nativeFormat } from './native-format.js'
import type { FilesWorkerOptions } from './options.js'
import type { RecordFormat } from './record-format.js'

/** Where one session lives. */
export class Place {
  /** The directory of its file and of every file that belongs to it. */
  readonly directory: string
  readonly file: string
  /** The key has to be kept inside the record, for the name does not tell it. */
  readonly keyInRecord: boolean
  readonly format: RecordFormat
  readonly #fileName: string

  constructor(directory: string, fileName: string, keyInRecord: boolean, format: RecordFormat) {
    this.directory = directory
    this.file = `${directory}/${fileName}`
    this.keyInRecord = keyInRecord
    this.format = format
    this.#fileName = fileName
  }

  /** Present while somebody takes a dead or damaged file away; see claim.ts. */
  get claim(): string {
    return this.beside('claim')
  }

  /**
   * Where the holder of the claim keeps the session while there is nothing in its place. One name, so that others find it
   * there when he has died; for the sweep it is a file that was taken, as any other.
   */
  get held(): string {
    return this.beside(`taken-${'0'.repeat(24)}-0`)
  }

  /** A hidden file that belongs to this session, whatever is done with it. */
  beside(suffix: string): string {
    return `${this.directory}/.${this.#fileName}.${suffix}`
  }
}

/** What a directory entry is, by its name alone. */
export type EntryKind =
  | { readonly kind: 'session'; readonly name: DecodedName }
  /** `origin`: the name of the session file that it was taken from, or is the claim on. */
  | { readonly kind: 'claim' | 'taken'; readonly origin: string }
  | { readonly kind: 'temporary' | 'aside' | 'foreign' }

const TEMPORARY = /^\.[0-9a-f]{24}-[0-9a-z]+\.tmp$/
const TAKEN = /^\.(.+)\.taken-[0-9a-f]{24}-[0-9a-z]+$/
const CLAIM = /^\.(.+)\.claim$/
const ASIDE = /^\..+\.corrupt-[0-9a-f]{24}-[0-9a-z]+$/

/** Maps keys to paths for one directory and its options, and directory entries back to what they are. */
export class Layout {
  readonly root: string
  readonly sharded: boolean
  /** Whether nobody but this engine writes here. */
  readonly exclusive: boolean
  /** Of every record in it. */
  readonly format: RecordFormat
  readonly #prefix: string
  readonly #hashNames: boolean
  // Unguessable, so that nobody can lie in wait under our next temporary name; O_EXCL catches the rest.
  readonly #token = randomBytes(12).toString('hex')
  readonly #directories: readonly string[]
  #counter = 0

  constructor(options: FilesWorkerOptions, format: RecordFormat = nativeFormat(options)) {
    this.format = format
    this.root = options.directory
    this.sharded = options.layout === 'sharded'
    this.exclusive = options.exclusive
    this.#prefix = options.prefix
    this.#hashNames = options.hashNames
    this.#directories = this.sharded
      ? Array.from({ length: 256 }, (_, slice) => `${this.root}/${slice.toString(16).padStart(2, '0')}`)
      : [this.root]
  }

  /** Every directory that may hold sessions, existing or not. */
  get directories(): readonly string[] {
    return this.#directories
  }

  /** The place of a key; of a digest, the one that its key has where names are hashed. */
  place(key: string | KeyDigest, hash: number): Place {
    // A layout has 256 directories or one, so the first is always there.
    const directory = this.#directories[this.sharded ? sliceOf(hash) : 0] as string
    if (typeof key !== 'string')
      return new Place(directory, this.#prefix + nameOfDigest(key.digest), false, this.format)
    const name = this.#hashNames ? digestName(key) : this.format.names.encode(key, this.#prefix)
    return new Place(directory, this.#prefix + name, !this.#hashNames && isDigestName(name), this.format)
  }

  /** The place of a key where names are hashed, whether this layout hashes them or not. */
  hashedPlace(key: string, hash: number): Place {
    const { directory } = this.place(key, hash)
    return new Place(directory, this.#prefix + digestName(key), false, this.format)
  }

  /** The place of a directory entry that is a session. */
  placeOfEntry(directory: string, fileName: string): Place {
    return new Place(directory, fileName, false, this.format)
  }

  /** A fresh temporary path. Temporary names do not begin with the prefix: Django's sweep must not read them. */
  temporary(directory: string): string {
    return `${directory}/.${this.#unique()}.tmp`
  }

  /** Where a file that is no session is kept for whoever wants to look at it. */
  aside(place: Place): string {
    return place.beside(`corrupt-${this.#unique()}`)
  }

  /** What an entry is, by its name. */
  classify(fileName: string): EntryKind {
    if (fileName.startsWith('.')) {
      if (TEMPORARY.test(fileName)) return { kind: 'temporary' }
      const claimed = CLAIM.exec(fileName)?.[1]
      if (claimed !== undefined) return { kind: 'claim', origin: claimed }
      const taken = TAKEN.exec(fileName)?.[1]
      if (taken !== undefined) return { kind: 'taken', origin: taken }
      return { kind: ASIDE.test(fileName) ? 'aside' : 'foreign' }
    }
    if (!fileName.startsWith(this.#prefix)) return { kind: 'foreign' }
    const { names } = this.format
    const rest = fileName.slice(this.#prefix.length)
    const name = names.decode(rest, this.#prefix)
    if (name !== undefined) return { kind: 'session', name }
    return { kind: names.isTemporary(rest) ? 'temporary' : 'foreign' }
  }

  #unique(): string {
    return `${this.#token}-${(this.#counter++).toString(36)}`
  }
}
