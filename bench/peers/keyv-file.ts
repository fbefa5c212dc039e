import { join } from 'node:path'
import Keyv from 'keyv'
import { KeyvFile } from 'keyv-file'
import type { BenchSession } from '../workloads/session.js'
import type { Peer } from './peer.js'

const TWO_WEEKS = 1_209_600_000

/**
 * Keyv over `keyv-file` as it is by default: all sessions in memory and in one file, which is written whole a tenth of a
 * second after the first change; a `set` resolves when that is done. (With a file for each session, its
 * `separatedFile`, readers meet files half written, and are told that there is no session.)
 */
export class KeyvFilePeer implements Peer {
  readonly #directory: string
  #keyv: Keyv<BenchSession> | undefined

  constructor({ directory }: { readonly directory: string }) {
    this.#directory = directory
  }

  async open(): Promise<void> {
    const filename = join(this.#directory, 'sessions')
    this.#keyv = new Keyv({ store: new KeyvFile({ filename }) })
  }

  async save(key: string, session: BenchSession): Promise<void> {
    await this.#opened().set(key, session, TWO_WEEKS)
  }

  load(key: string): Promise<BenchSession | undefined> {
    return this.#opened().get(key)
  }

  async close(): Promise<void> {
    await this.#keyv?.disconnect()
  }

  #opened(): Keyv<BenchSession> {
    if (this.#keyv === undefined) throw new Error('keyv was not opened')
    return this.#keyv
  }
}
