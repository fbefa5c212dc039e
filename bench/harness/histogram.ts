import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'

const LONGEST = 60_000_000

/** Milliseconds that operations of a round took. */
export interface LatencySummary {
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  readonly p999Milliseconds: number
  readonly maxMilliseconds: number
}

/** Latencies in microseconds, up to a minute, to three figures. */
export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST,
    numberOfSignificantValueDigits: 3,
  })

  /** Records a latency in milliseconds. */
  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(LONGEST, Math.round(milliseconds * 1000)))
  }

  /** Milliseconds below which this share of all latencies lies. */
  percentile(percent: number): number {
    return this.#histogram.getValueAtPercentile(percent) / 1000
  }

  summary(): LatencySummary {
    return {
      p50Milliseconds: this.percentile(50),
      p99Milliseconds: this.percentile(99),
      p999Milliseconds: this.percentile(99.9),
      maxMilliseconds: this.#histogram.maxValue / 1000,
    }
  }

  /** A form that travels between threads and processes. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram)
  }

  /** Adds what another histogram has encoded. */
  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded))
  }

  reset(): void {
    this.#histogram.reset()
  }
}
