/*
 * The items of unstorage ⇄ the plain objects that an engine keeps.
 */

/** How an item is stored. */
interface StoredItem {
  /** What `setItem` was given: unstorage makes a string of everything. */
  readonly value?: unknown
  /** What `setItemRaw` was given, if it was bytes. */
  readonly bytes?: Uint8Array
  /** The same, where a codec has no word for bytes. */
  readonly base64?: string
}

/** An item as an object to be stored. */
export function storedValue(value: unknown): object {
  return { value } satisfies StoredItem
}

/** A raw item as an object to be stored: bytes as bytes, anything else as it is. */
export function storedRaw(value: unknown): object {
  const bytes = bytesOf(value)
  if (bytes === undefined) return storedValue(value)
  // Codecs that know bytes ask for properties; those that go by JSON ask for this first. Not enumerable: it is no property
  // of the item.
  return Object.defineProperty({ bytes } satisfies StoredItem, 'toJSON', {
    value: (): StoredItem => ({ base64: asBuffer(bytes).toString('base64') }),
  })
}

/** The value of a stored item; bytes as the text that they spell; `null` when it is no item. */
export function valueOfItem(stored: object | undefined): unknown {
  const raw = rawOfItem(stored)
  return raw instanceof Uint8Array ? asBuffer(raw).toString('utf8') : raw
}

/** A stored item as it was given to `setItemRaw`, bytes as a Uint8Array; `null` when it is no item. */
export function rawOfItem(stored: object | undefined): unknown {
  const { value, bytes, base64 } = (stored ?? {}) as StoredItem
  if (bytes instanceof Uint8Array) return bytes
  if (typeof base64 === 'string') return new Uint8Array(Buffer.from(base64, 'base64'))
  return value ?? null
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!ArrayBuffer.isView(value)) return undefined
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
