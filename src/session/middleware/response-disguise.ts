import type { ServerResponse } from 'node:http'

/** What waits before a response. */
export interface Waiting {
  /** Whether headers do that Node has not sent. */
  readonly headersWait: () => boolean
  /** Whether the end does. */
  readonly endWaits: () => boolean
}

const HEADER_METHODS = { setHeader: 'set', appendHeader: 'append', removeHeader: 'remove' } as const

/**
 * Makes what waits look as if it were sent: in `headersSent` and `writableEnded`, and in what is too late. The old
 * `finished` stays Node's own, which goes by it when several requests come over one connection.
 */
export function disguise(response: ServerResponse, { headersWait, endWaits }: Waiting): void {
  Object.defineProperties(response, {
    headersSent: { configurable: true, get: () => headersWait() || nativeFlag(response, 'headersSent') },
    writableEnded: { configurable: true, get: () => endWaits() || nativeFlag(response, 'writableEnded') },
  })
  for (const [name, verb] of Object.entries(HEADER_METHODS)) {
    const method: unknown = Reflect.get(response, name)
    if (typeof method !== 'function') continue
    const guarded = (...values: unknown[]): unknown => {
      if (headersWait()) throw headersSentError(verb)
      return Reflect.apply(method, response, values)
    }
    Object.assign(response, { [name]: guarded })
  }
  const implicit: unknown = Reflect.get(response, '_implicitHeader')
  if (typeof implicit !== 'function') return
  // Compressions call it where they see none of Node's headers, and do not mean to send any twice.
  const guarded = (): unknown => (headersWait() ? undefined : Reflect.apply(implicit, response, []))
  Object.assign(response, { _implicitHeader: guarded })
}

/** What Node itself says. */
export function nativeFlag(response: ServerResponse, name: 'headersSent' | 'writableEnded'): boolean {
  return Reflect.get(Object.getPrototypeOf(response), name, response) === true
}

/** As Node's own. */
export function headersSentError(verb: string): Error {
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`)
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
}
