import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } from 'msgpackr'
import { EncodeError } from '../errors.js'
import type { Codec } from './codec.js'
import { decodeAlso } from './decode-within.js'
import { explainRefusal } from './unencodable.js'

const COMMON: ConstructorParameters<typeof Packr>[0] = {
  moreTypes: true,
  useBigIntExtension: true,
  // A Buffer in a session must not be a view of ours: what it shows is written over.
  copyBuffers: true,
  // By default functions would be written as undefined: lost without a word.
  writeFunction() {
    throw new TypeError('a function has no bytes')
  },
}

/**
 * MessagePack by `msgpackr`: compact, fast, and Dates, Maps, Sets, BigInts, Buffers, typed arrays, Errors and
 * RegExps come back as what they were. The default codec.
 *
 * Functions and symbols are refused, wherever they stand; so are objects that contain themselves.
 */
export function msgpack(): Codec {
  const plain = new PlainPackr()
  // Records tell objects from Maps; each message carries its own, so any process can read it.
  const records = new Packr({ ...COMMON, useRecords: true })
  const decoderOf = (first: number | undefined): Packr => (isPlain(first) ? plain.packr : records)
  return {
    name: 'msgpack',
    id: 1,
    encode(session) {
      try {
        return plain.packUnlessMaps(session) ?? records.pack(objectOf(session))
      } catch (error) {
        throw error instanceof EncodeError ? error : explainRefusal(session, objection, error)
      }
    },
    decode: decodeAlso(
      (bytes) => decoderOf(bytes[0]).unpack(bytes),
      // The decoder copies whatever it takes out.
      (memory, start, end) => decoderOf(memory[start]).unpack(memory, { start, end }),
    ),
  }
}

/** What is to be packed of a session. A `toJSON` may make anything of it, and whatever is no object would be no session. */
function objectOf(session: object): object {
  const { toJSON } = session as { readonly toJSON?: unknown }
  const made: unknown = typeof toJSON === 'function' ? toJSON.call(session) : session
  if (typeof made !== 'object' || made === null) throw new EncodeError('', 'becomes no object by its toJSON')
  return made
}

/**
 * Objects as MessagePack maps, which takes two thirds of the time that records take and makes a third of the garbage.
 * A Map would be read back as an object then; sessions that hold one are left to records.
 */
class PlainPackr {
  readonly packr: Packr
  readonly #views = new Views()
  #sawMap = false
  #lettingGo = false

  constructor() {
    this.packr = new Packr({ ...COMMON, useRecords: false, mapsAsObjects: true })
    // The encoder reads this option each time that it meets a Map, and only then.
    Object.defineProperty(this.packr, 'mapAsEmptyObject', {
      get: () => {
        this.#sawMap = true
        return true
      },
    })
  }

  /** The bytes, good until the next call; `undefined` where only records can tell what is in the session. */
  packUnlessMaps(session: object): Uint8Array | undefined {
    if (session instanceof Map) throw new TypeError('a Map is no session')
    // A getter in a session may save another one.
    const outerSawMap = this.#sawMap
    this.#sawMap = false
    try {
      const memory = this.packr.pack(session, REUSE_BUFFER_MODE | RESET_BUFFER_MODE) as PackedMemory
      const bytes = this.#views.ofPacked(memory)
      if (memory.length > MOST_KEPT) this.#letGoLater()
      // An Array is read back as records are: nothing tells the two apart.
      return this.#sawMap || !isPlain(bytes[0]) ? undefined : bytes
    } finally {
      this.#sawMap = outerSawMap
    }
  }

  /**
   * Not at once: this may be in the midst of another session, or of what the application encodes, and all of them write
   * into one memory. Encoding is never interrupted by a microtask.
   */
  #letGoLater(): void {
    if (this.#lettingGo) return
    this.#lettingGo = true
    queueMicrotask(() => {
      this.#lettingGo = false
      this.packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_MEMORY))
    })
  }
}

/** More memory than this is not kept for the next session. */
const MOST_KEPT = 256 * 1024
/** What the encoder begins with. */
const FRESH_MEMORY = 8 * 1024

/** The encoder's whole memory, as `REUSE_BUFFER_MODE` returns it: what it wrote lies from `start` to `end`. */
type PackedMemory = Buffer & { readonly start: number; readonly end: number }

/** Sessions longer than this get a view of their own. */
const LONGEST_KEPT = 2048

/**
 * Views of the encoder's memory, one for each length that has occurred: a new one for each session takes as long as
 * writing a third of it, and is garbage a moment later. All encoders of a process share that memory: who wrote into it
 * meanwhile has moved our place in it.
 */
class Views {
  #memory: Buffer | undefined
  #start = 0
  #byLength: Uint8Array[] = []

  ofPacked(memory: PackedMemory): Uint8Array {
    const { start, end } = memory
    const length = end - start
    if (length > LONGEST_KEPT) return memory.subarray(start, end)
    if (memory !== this.#memory || start !== this.#start) {
      this.#memory = memory
      this.#start = start
      this.#byLength = []
    }
    const kept = this.#byLength[length]
    if (kept !== undefined) return kept
    const view = memory.subarray(start, end)
    this.#byLength[length] = view
    return view
  }
}

/** A session that is a MessagePack map was written without records. */
function isPlain(first = 0): boolean {
  return (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf
}

function objection(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
      return 'is a function'
    case 'symbol':
      return 'is a symbol'
    default:
      return undefined
  }
}
