import autocannon, { type Client, type Options, type Request, type Result } from 'autocannon'
import { type Expectation, Visitor } from './visitor.js'

/** What the driver has to tell. */
export interface DriveReport {
  readonly expectations: readonly Expectation[]
  readonly seconds: number
  /** Time to an answer in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Requests without an answer, and those with another status than 200. */
  readonly failed: number
}

/** How long the last answers may take, in seconds. */
const PATIENCE = 30
const LOAD_IS_SAMPLED_EVERY = 100

/** Where visitors go, how many, and how long they stay. */
export interface DriveOptions {
  readonly url: string
  readonly visitors: number
  readonly seconds: number
  /** Hears of each answer how many milliseconds it took. */
  readonly onAnswer?: (milliseconds: number) => void
}

/** Lets visitors change their carts, each over a connection of his own; resolves when all have left. */
export async function drive({ url, visitors: count, seconds, onAnswer }: DriveOptions): Promise<DriveReport> {
  const visitors = Array.from({ length: count }, (_, index) => new Visitor(index))
  const startedAt = performance.now()
  let lastAnswerAt = startedAt
  let connected = 0
  const options: Options = {
    url,
    connections: count,
    duration: seconds + PATIENCE,
    timeout: PATIENCE,
    sampleInt: LOAD_IS_SAMPLED_EVERY,
    setupClient(client) {
      const visitor = visitors[connected++]
      if (visitor === undefined) throw new Error('there are more connections than visitors')
      seat(visitor, client, () => {
        lastAnswerAt = performance.now()
        if (visitor.hasLeft && visitors.every(({ hasLeft }) => hasLeft)) instance.stop()
      })
    },
  }
  let instance: autocannon.Instance
  const result = await new Promise<Result>((resolve, reject) => {
    instance = autocannon(options, (error: unknown, outcome) => (error ? reject(error) : resolve(outcome)))
    if (onAnswer !== undefined)
      instance.on('response', (_client, _status, _bytes, milliseconds) => onAnswer(milliseconds))
    setTimeout(() => {
      for (const visitor of visitors) visitor.leave()
    }, seconds * 1000)
  })
  return {
    expectations: visitors.map((visitor) => visitor.expectation()),
    seconds: (lastAnswerAt - startedAt) / 1000,
    latency: { p50: result.latency.p50, p99: result.latency.p99, max: result.latency.max },
    failed: result.errors + result.non2xx,
  }
}

/** Gives a visitor a connection: one request after the other, never two under way. */
function seat(visitor: Visitor, client: Client, onAnswer: () => void): void {
  const request: Request = {
    setupRequest: (defaults) => ({ ...defaults, ...visitor.nextRequest() }),
    onResponse: (status, body, _context, headers) => {
      const cookie: string | string[] | undefined = headers?.['Set-Cookie'] ?? headers?.['set-cookie']
      visitor.takeAnswer(status, body, Array.isArray(cookie) ? cookie[0] : cookie)
      // A client looks at this number of its own before it sends: so it closes its connection instead.
      if (visitor.hasLeft) Reflect.set(client, 'responseMax', 1)
      onAnswer()
    },
  }
  client.setRequests([request])
}
