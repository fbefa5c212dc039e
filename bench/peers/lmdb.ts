import { open, type RootDatabase } from 'lmdb'
import type { BenchSession } from '../workloads/session.js'
import type { Peer } from './peer.js'

/** Options of {@link LmdbPeer}. */
export interface LmdbPeerOptions {
  readonly directory: string
  readonly sync: boolean
}

/**
 * The `lmdb` package: a memory-mapped B+ tree, written by a thread of its own, one transaction for all puts of a turn of
 * the event loop. The session goes in as an object; the package's own encoder (msgpackr, as ours) does the rest.
 *
 * With `sync`, all its settings are the default ones. `overlappingSync` is then on: the package promises that an
 * awaited put is committed, and only `db.flushed` that it is on the disk. In fact (3.5.6, Linux) the put settles after
 * the transaction's fdatasync: with that call slowed down to 200 ms, no put of 256 callers took less. So what is
 * awaited here survives a power cut, as ours does with `fsync: true`.
 *
 * Without, that is `noSync`, the system writes when it likes: a put survives a crash of the process, as ours does with
 * `fsync: false`. A power cut can cost the whole database, not only the last puts, which is not so with ours.
 *
 * It knows no expiry and sweeps nothing.
 */
export class LmdbPeer implements Peer {
  readonly #options: LmdbPeerOptions
  #database: RootDatabase<BenchSession, string> | undefined

  constructor(options: LmdbPeerOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { directory, sync } = this.#options
    this.#database = open({ path: directory, ...(sync ? {} : { noSync: true }) })
  }

  async save(key: string, session: BenchSession): Promise<void> {
    await this.#opened().put(key, session)
  }

  /** A synchronous call on the main thread, which reads the map; a page that is not in memory stops the event loop. */
  async load(key: string): Promise<BenchSession | undefined> {
    return this.#opened().get(key)
  }

  async close(): Promise<void> {
    await this.#database?.close()
  }

  #opened(): RootDatabase<BenchSession, string> {
    if (this.#database === undefined) throw new Error('the database was not opened')
    return this.#database
  }
}
