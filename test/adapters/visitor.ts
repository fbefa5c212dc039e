/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** The cookies that came with it, whole. */
  readonly cookies: readonly string[]
}

/** Keeps cookies between requests, as a browser does: takes those that come, drops those that have expired. */
export class Visitor {
  readonly #url: string
  readonly #cookies: Map<string, string>

  constructor(url: string, cookies: Iterable<readonly [string, string]> = []) {
    this.#url = url
    this.#cookies = new Map(cookies)
  }

  /** Somebody else with the same cookies: another tab. */
  twin(): Visitor {
    return new Visitor(this.#url, this.#cookies)
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  get(path: string): Promise<Answer> {
    return this.#request('GET', path)
  }

  post(path: string): Promise<Answer> {
    return this.#request('POST', path)
  }

  /** The text of an answer. */
  async read(path: string): Promise<string> {
    return (await this.get(path)).text
  }

  async #request(method: string, path: string): Promise<Answer> {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    const headers: Record<string, string> = cookie === '' ? {} : { cookie }
    const response = await fetch(this.#url + path, { method, headers, redirect: 'manual' })
    const cookies = response.headers.getSetCookie()
    for (const line of cookies) this.take(line)
    return { status: response.status, text: await response.text(), cookies }
  }

  /** Keeps what a Set-Cookie header says. */
  take(line: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const [name = '', ...value] = pair.split('=')
    const expires = attributes.map((text) => text.trim()).find((text) => /^expires=/i.test(text))
    if (expires !== undefined && Date.parse(expires.slice(8)) <= Date.now()) this.#cookies.delete(name)
    else this.#cookies.set(name, value.join('='))
  }
}
