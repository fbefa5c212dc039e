import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'

const LONGEST = 60_000_000
/** Latencies that are kept together until they are asked about. */
const CHUNK = 2 ** 16

/** Milliseconds that operations of a round took. */
export interface LatencySummary {
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  readonly p999Milliseconds: number
  readonly maxMilliseconds: number
}

/**
 * Latencies in microseconds, up to a minute, to three figures. They are sorted in when somebody asks: in the midst of a round
 * that would be a twentieth of what a fast store's operation takes, and is none of its work.
 */
export class LatencyHistogram {
  readonly #full: Float64Array[] = []
  #chunk = new Float64Array(CHUNK)
  #used = 0
  readonly #histogram: Histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST,
    numberOfSignificantValueDigits: 3,
  })

  /** Records a latency in milliseconds. */
  record(milliseconds: number): void {
    if (this.#used === CHUNK) {
      this.#full.push(this.#chunk)
      this.#chunk = new Float64Array(CHUNK)
      this.#used = 0
    }
    this.#chunk[this.#used++] = milliseconds
  }

  /** Milliseconds below which this share of all latencies lies. */
  percentile(percent: number): number {
    this.#sortIn()
    return this.#histogram.getValueAtPercentile(percent) / 1000
  }

  summary(): LatencySummary {
    this.#sortIn()
    return {
      p50Milliseconds: this.percentile(50),
      p99Milliseconds: this.percentile(99),
      p999Milliseconds: this.percentile(99.9),
      maxMilliseconds: this.#histogram.maxValue / 1000,
    }
  }

  /** A form that travels between threads and processes. */
  encode(): string {
    this.#sortIn()
    return encodeIntoCompressedBase64(this.#histogram)
  }

  /** Adds what another histogram has encoded. */
  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded))
  }

  reset(): void {
    this.#full.length = 0
    this.#used = 0
    this.#histogram.reset()
  }

  #sortIn(): void {
    for (const chunk of [...this.#full, this.#chunk.subarray(0, this.#used)]) {
      for (const milliseconds of chunk) {
        this.#histogram.recordValue(Math.min(LONGEST, Math.round(milliseconds * 1000)))
      }
    }
    this.#full.length = 0
    this.#used = 0
  }
}
