import type { ServerResponse } from 'node:http'

/** What waits before a response. */
export interface Waiting {
  /** Whether headers do that Node has not sent. */
  readonly headersWait: boolean
  /** Whether the end does. */
  readonly endWaits: boolean
}

type Method = (...values: unknown[]) => unknown

/** What a disguised response is found by: its methods as they were, and what waits before it. */
const DISGUISE = Symbol('coatcheck: what waits before a response')

interface HeaderMethods {
  setHeader: Method
  removeHeader: Method
  appendHeader: Method | undefined
  _implicitHeader: Method | undefined
}

interface Disguise {
  readonly waiting: Waiting
  readonly inner: Readonly<HeaderMethods>
}

type Disguised = ServerResponse & { readonly [DISGUISE]: Disguise }
type Target = HeaderMethods & { [DISGUISE]: Disguise }

/*
 * One function for all responses of each kind: with functions of its own, each response would be an object of a shape of its
 * own, and everything that Node does with it slow.
 */

function guardedHeader(name: 'setHeader' | 'appendHeader' | 'removeHeader', verb: string) {
  return function (this: Disguised, ...values: unknown[]): unknown {
    const { waiting, inner } = this[DISGUISE]
    if (waiting.headersWait) throw headersSentError(verb)
    return inner[name]?.apply(this, values)
  }
}

const METHODS = {
  setHeader: guardedHeader('setHeader', 'set'),
  appendHeader: guardedHeader('appendHeader', 'append'),
  removeHeader: guardedHeader('removeHeader', 'remove'),
  /** Compressions call it where they see none of Node's headers, and do not mean to send any twice. */
  _implicitHeader(this: Disguised): unknown {
    const { waiting, inner } = this[DISGUISE]
    return waiting.headersWait ? undefined : inner._implicitHeader?.call(this)
  },
}

const HEADERS_SENT: PropertyDescriptor & ThisType<Disguised> = {
  configurable: true,
  get() {
    return this[DISGUISE].waiting.headersWait || nativeFlag(this, 'headersSent')
  },
}

const WRITABLE_ENDED: PropertyDescriptor & ThisType<Disguised> = {
  configurable: true,
  get() {
    return this[DISGUISE].waiting.endWaits || nativeFlag(this, 'writableEnded')
  },
}

/**
 * Makes what waits look as if it were sent: in `headersSent` and `writableEnded`, and in what is too late. The old
 * `finished` stays Node's own, which goes by it when several requests come over one connection.
 */
export function disguise(response: ServerResponse, waiting: Waiting): void {
  const target = response as unknown as Target
  const { setHeader, appendHeader, removeHeader, _implicitHeader } = target
  target[DISGUISE] = { waiting, inner: { setHeader, appendHeader, removeHeader, _implicitHeader } }
  Object.defineProperty(response, 'headersSent', HEADERS_SENT)
  Object.defineProperty(response, 'writableEnded', WRITABLE_ENDED)
  target.setHeader = METHODS.setHeader
  target.removeHeader = METHODS.removeHeader
  // Responses of other protocols lack some.
  if (appendHeader !== undefined) target.appendHeader = METHODS.appendHeader
  if (_implicitHeader !== undefined) target._implicitHeader = METHODS._implicitHeader
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
