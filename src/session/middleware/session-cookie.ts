import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FilledCookieOptions } from './cookie-options.js'
import type { CookieValues } from './cookie-values.js'

/** What a request says of its session. */
export interface ReceivedCookie {
  /** Whether there is a cookie of this name, whatever stands in it. */
  readonly sent: boolean
  /** The key in it; `undefined` where what stands in it is no key, or is not signed as it should be. */
  readonly key: string | undefined
}

/** How long a client is to keep the cookie: seconds, or until it is closed. */
export type CookieAge = number | 'browser'

/** How long a cookie lasts, in both ways of saying so, in seconds. */
interface Life {
  readonly maxAge: number
  /** Since the epoch. */
  readonly expires: number
}

/** The text that follows a cookie's value, and what it was made for. */
interface Attributes {
  readonly secure: boolean
  readonly maxAge: number | undefined
  readonly expires: number | undefined
  readonly text: string
}

/** Node takes no more by default for all headers of a request together. A longer header is not looked at. */
const LONGEST_HEADER = 16_384
/** The longest key, signed and percent-encoded, is a third of it. */
const LONGEST_VALUE = 1024
/** A hundred years: dates in the far future cannot be written. */
const LONGEST_AGE = 3_153_600_000

const NOTHING: ReceivedCookie = { sent: false, key: undefined }

/** The cookie that names the session, in requests and responses. */
export class SessionCookie {
  readonly #options: FilledCookieOptions
  readonly #values: CookieValues
  readonly #present: RegExp
  #lastAttributes: Attributes | undefined

  constructor(options: FilledCookieOptions, values: CookieValues) {
    this.#options = options
    this.#values = values
    const name = options.name.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')
    this.#present = new RegExp(`(?:^|;)[ \\t]*${name}[ \\t]*=`)
  }

  /** Reads the cookie. Of several of this name, the first that could be ours counts, as clients send the nearest first. */
  read(request: IncomingMessage): ReceivedCookie {
    const header = request.headers.cookie
    if (header === undefined || header.length > LONGEST_HEADER || !this.#present.test(header)) return NOTHING
    const cookies = parseCookie(header, { decode: (value) => this.#decode(value) })
    return { sent: true, key: cookies[this.#options.name] }
  }

  /** Gives the client the key. */
  send(request: IncomingMessage, response: ServerResponse, key: string, age: CookieAge): void {
    const value = this.#values.write(key)
    if (age === 'browser') {
      this.#append(request, response, value, undefined)
      return
    }
    const maxAge = Math.max(0, Math.floor(Math.min(age, LONGEST_AGE)))
    // A second is the least that is said of a moment.
    const now = Math.floor(Date.now() / 1000)
    this.#append(request, response, value, { maxAge, expires: now + maxAge })
  }

  /** Takes the cookie away from the client. It has to be named just as it was set. */
  remove(request: IncomingMessage, response: ServerResponse): void {
    this.#append(request, response, '', { maxAge: 0, expires: 0 })
  }

  #append(request: IncomingMessage, response: ServerResponse, value: string, life: Life | undefined): void {
    const { name, secure } = this.#options
    const attributes = this.#attributes(life, secure === 'auto' ? isSecure(request) : secure)
    response.appendHeader('Set-Cookie', `${name}=${encodeURIComponent(value)}${attributes}`)
  }

  /** What follows the value: for all sessions of a second the same, mostly. */
  #attributes(life: Life | undefined, secure: boolean): string {
    const known = this.#lastAttributes
    const isKnown =
      known?.secure === secure && known.maxAge === life?.maxAge && known.expires === life?.expires
    if (isKnown) return known.text
    const { name, domain, path, httpOnly, sameSite, partitioned } = this.#options
    const whole = stringifySetCookie({
      name,
      value: '',
      ...(life === undefined ? {} : { maxAge: life.maxAge, expires: new Date(life.expires * 1000) }),
      ...(domain === undefined ? {} : { domain }),
      path,
      secure,
      httpOnly,
      sameSite,
      partitioned,
    })
    const text = whole.slice(name.length + 1)
    this.#lastAttributes = { secure, maxAge: life?.maxAge, expires: life?.expires, text }
    return text
  }

  /** Also asked of cookies that are not ours: what it refuses leaves the name free for the next of that name. */
  #decode(value: string): string | undefined {
    if (value.length > LONGEST_VALUE) return undefined
    if (!value.includes('%')) return this.#values.read(value)
    try {
      return this.#values.read(decodeURIComponent(value))
    } catch {
      return undefined
    }
  }
}

/** Express knows of proxies, where it is told to trust them. */
function isSecure(request: IncomingMessage): boolean {
  const told: unknown = Reflect.get(request, 'secure')
  return typeof told === 'boolean' ? told : Reflect.get(request.socket, 'encrypted') === true
}
