import { ServerResponse } from 'node:http'

/**
 * What `writeHead` was given, in a form that loses nothing on the way: with a list of pairs, what stands between us and
 * Node keeps one of each name; with a flat list, it keeps all.
 */
export function flatHead(values: readonly unknown[]): unknown[] {
  return values.map((value) => (Array.isArray(value) && Array.isArray(value[0]) ? value.flat() : value))
}

/**
 * Refuses what Node would refuse, and now, when it is still the handler that hears of it.
 * @throws {TypeError} and {RangeError} of Node's own
 */
export function checkHead(response: ServerResponse, values: readonly unknown[]): void {
  // Responses of other protocols have rules of their own.
  if (!(response instanceof ServerResponse)) return
  Reflect.apply(ServerResponse.prototype.writeHead, new ServerResponse(response.req), flatHead(values))
}
