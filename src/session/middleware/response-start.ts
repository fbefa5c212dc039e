import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What a response is when the handler gets it, so that it can be that again. */
export class ResponseStart {
  readonly #response: ServerResponse
  readonly #headers: OutgoingHttpHeaders
  readonly #rest: Pick<ServerResponse, 'statusCode' | 'statusMessage' | 'sendDate'>

  constructor(response: ServerResponse) {
    const { statusCode, statusMessage, sendDate } = response
    this.#response = response
    this.#headers = response.getHeaders()
    this.#rest = { statusCode, statusMessage, sendDate }
  }

  /** Forgets the handler's headers and status; only before headers are sent. */
  restore(): void {
    const response = this.#response
    for (const name of response.getHeaderNames()) {
      if (this.#headers[name] === undefined) response.removeHeader(name)
    }
    for (const [name, value] of Object.entries(this.#headers)) {
      if (value !== undefined && value !== response.getHeader(name)) response.setHeader(name, value)
    }
    Object.assign(response, this.#rest)
  }
}
