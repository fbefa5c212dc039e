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
  if (value instanceof Error || value instanceof RegExp) return String(value)
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]))
}
