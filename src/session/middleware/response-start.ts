import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { isDeepStrictEqual } from 'node:util'

/** What a response is when the handler gets it, so that it can be that again. */
export class ResponseStart {
  readonly #response: ServerResponse
  readonly #headers: OutgoingHttpHeaders = {}
  readonly #rest: Pick<ServerResponse, 'statusCode' | 'statusMessage' | 'sendDate'>

  constructor(response: ServerResponse) {
    const { statusCode, statusMessage, sendDate } = response
    this.#response = response
    for (const [name, value] of Object.entries(response.getHeaders())) {
      if (value !== undefined) this.#headers[name] = copyOf(value)
    }
    this.#rest = { statusCode, statusMessage, sendDate }
  }

  /** Forgets the handler's headers and status; only before headers are sent. */
  restore(): void {
    const response = this.#response
    for (const name of response.getHeaderNames()) {
      if (this.#headers[name] === undefined) response.removeHeader(name)
    }
    for (const [name, value] of Object.entries(this.#headers)) {
      if (value === undefined || isDeepStrictEqual(value, response.getHeader(name))) continue
      response.setHeader(name, copyOf(value))
    }
    Object.assign(response, this.#rest)
  }
}

/** Node appends to the very array that it was given. */
function copyOf(value: OutgoingHttpHeader): OutgoingHttpHeader {
  return Array.isArray(value) ? [...value] : value
}
