/**
 * What JSON has no word for, in words that it has: a Map as pairs, a Set as a list, bytes as base64, a BigInt in decimal
 * digits, an Error or a regular expression as its text.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Map) return Array.from(value, ([key, item]) => [plain(key), plain(item)])
  if (value instanceof Set) return Array.from(value, plain)
  if (isProgramText(value)) return textOf(value)
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]))
}

/**
 * The same value with Errors and regular expressions as their texts, wherever they stand. What Node shows of them is taken
 * as it is, control characters and all; and of an Error it would show a stack, which is of the process that reads it.
 */
export function withoutProgramText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isProgramText(value)) return textOf(value)
  if (Array.isArray(value)) return value.map(withoutProgramText)
  if (value instanceof Map) {
    return new Map(
      Array.from(value, ([key, item]) => [withoutProgramText(key), withoutProgramText(item)] as const),
    )
  }
  if (value instanceof Set) return new Set(Array.from(value, withoutProgramText))
  if (value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutProgramText(item)]))
}

function isProgramText(value: object): value is Error | RegExp {
  return value instanceof Error || value instanceof RegExp
}

function textOf(value: Error | RegExp): string {
  if (value instanceof RegExp) return `/${value.source}/${value.flags}`
  // Whatever a session's bytes have made of it: to ask for its own text could throw.
  const { name, message } = value as { readonly name: unknown; readonly message: unknown }
  return `${typeof name === 'string' ? name : 'Error'}: ${typeof message === 'string' ? message : ''}`
}
