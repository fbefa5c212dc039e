import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { lossOf } from '../../examples/every-request/loss.js'
import type { Expectation } from '../../examples/every-request/visitor.js'
import type { Contestant, RoundResult, RoundSettings } from '../harness/contestant.js'
import { rates } from '../harness/rates.js'
import { UsageMeter } from '../harness/usage.js'
import type { BenchShop } from './bench-shop.js'
import { Visitors } from './visitors.js'

/** Seconds that visitors stay longer than the round: none has left before its end. */
const MARGIN = 0.3

/** Milliseconds between looks at how late the event loop is. */
const LOOKS_EVERY = 5

/**
 * The shop of the example, which saves a session with every request, over any sessions. Visitors come from
 * a process of their own; when they have left, every session has to be what the last answer of its visitor said.
 */
export class HttpServer implements Contestant {
  readonly #shop: BenchShop
  #server: Server | undefined
  #visitors: Visitors | undefined
  #requests = 0
  #error: unknown

  constructor(shop: BenchShop) {
    this.#shop = shop
  }

  async open(): Promise<void> {
    await this.#shop.open()
    const server = await this.#shop.makeServer((error) => {
      this.#error ??= error
    })
    server.on('request', () => this.#requests++)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    this.#visitors = new Visitors()
  }

  async round({ leadIn, seconds, callers }: RoundSettings): Promise<RoundResult> {
    if (this.#server === undefined || this.#visitors === undefined)
      throw new Error('the server was not opened')
    const { port } = this.#server.address() as AddressInfo
    const firstRequest = once(this.#server, 'request')
    const visit = this.#visitors.visit({
      url: `http://127.0.0.1:${port}`,
      visitors: callers,
      seconds: leadIn + seconds + MARGIN,
      leadIn,
    })
    await Promise.race([firstRequest, visit])
    const measured = await Promise.race([this.#measure(leadIn, seconds), visit.then(endedEarly)])
    const { expectations, failed, latency } = await visit
    if (this.#error !== undefined) throw this.#error
    if (failed > 0) throw new Error(`${failed} requests were not answered with 200`)
    await this.#verify(expectations)
    return { ...measured, ...latency, coalescedShare: undefined }
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    this.#server?.close()
    await this.#visitors?.close()
    await this.#shop.close()
  }

  /** Counted where the requests arrive: what visitors count begins and ends with idle moments. */
  async #measure(
    leadIn: number,
    seconds: number,
  ): Promise<ReturnType<typeof rates> & Pick<RoundResult, 'loopDelayMilliseconds'>> {
    await delay(leadIn * 1000)
    const serverBefore = await this.#shop.serverUsage?.()
    const requestsBefore = this.#requests
    const lateness = monitorEventLoopDelay({ resolution: LOOKS_EVERY })
    const meter = new UsageMeter()
    lateness.enable()
    await delay(seconds * 1000)
    lateness.disable()
    const usage = meter.read()
    const requests = this.#requests - requestsBefore
    const serverAfter = await this.#shop.serverUsage?.()
    return {
      ...rates({ operations: requests, usage, server: [serverBefore, serverAfter] }),
      loopDelayMilliseconds: Math.max(0, lateness.percentile(99) / 1e6 - LOOKS_EVERY),
    }
  }

  async #verify(expectations: readonly Expectation[]): Promise<void> {
    for (const [index, expectation] of expectations.entries()) {
      const { key, acknowledged } = expectation
      const loss = lossOf(expectation, key === undefined ? undefined : await this.#shop.load(key))
      if (loss !== undefined) throw new Error(`visitor ${index} ${loss}`)
      if (acknowledged === 0) throw new Error(`visitor ${index} never got an answer`)
    }
  }
}

function endedEarly(): never {
  throw new Error('the visitors left before the end of the round')
}
