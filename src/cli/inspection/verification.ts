import type { InspectedEntry, SessionEntry } from '../../../workers/files/inspect/entries.js'
import { JOURNAL_NAME } from '../../../workers/files/journal/options.js'
import type { Decoder } from '../decoder.js'

/** What is told of an entry that is no sound session. */
export interface Finding {
  readonly kind: 'corrupt' | 'unreadable' | 'orphan' | 'aside' | 'foreign'
  readonly file: string
  readonly reason?: string
}

/** Goes through entries, and keeps nothing but sums. */
export class Verification {
  readonly #now: number
  readonly #decoder: Decoder
  readonly sums = {
    live: 0,
    expired: 0,
    /** Sound as records; what their codec is to say, it could not be asked. */
    undecoded: 0,
    /** Sealed, and sound as far as anybody can tell who has no keys. */
    closed: 0,
    corrupt: 0,
    unreadable: 0,
    orphan: 0,
    /** What writers make for a moment, and may be about to take away. */
    young: 0,
    aside: 0,
    foreign: 0,
  }

  constructor(decoder: Decoder, now: number) {
    this.#decoder = decoder
    this.#now = now
  }

  /** What is to be told of them. */
  check(entries: readonly InspectedEntry[], payloads: Uint8Array): Finding[] {
    const findings: Finding[] = []
    for (const entry of entries) {
      const finding = entry.kind === 'session' ? this.#checkSession(entry, payloads) : this.#findingOf(entry)
      if (finding === undefined) continue
      this.sums[finding.kind]++
      findings.push(finding)
    }
    return findings
  }

  #checkSession(session: SessionEntry, payloads: Uint8Array): Finding | undefined {
    const { payloadAt = 0, bytes, codec, expiry } = session
    if (session.closed === true) {
      this.sums.closed++
      this.#countLife(expiry)
      return undefined
    }
    const decoded = this.#decoder.decode(payloads.subarray(payloadAt, payloadAt + bytes), codec)
    if (decoded.kind === 'refused') {
      const reason = `the codec ${decoded.codec} refuses the payload`
      return { kind: 'corrupt', file: session.file ?? JOURNAL_NAME, reason }
    }
    if (decoded.kind === 'unknown') this.sums.undecoded++
    this.#countLife(expiry)
    return undefined
  }

  #countLife(expiry: number): void {
    if (expiry > this.#now) this.sums.live++
    else this.sums.expired++
  }

  #findingOf(entry: Exclude<InspectedEntry, SessionEntry>): Finding | undefined {
    const { file } = entry
    switch (entry.kind) {
      case 'orphan':
        if (entry.stale) return { kind: 'orphan', file, reason: entry.what }
        this.sums.young++
        return undefined
      case 'unreadable':
        return { kind: 'unreadable', file, reason: entry.code }
      default:
        return entry
    }
  }
}
