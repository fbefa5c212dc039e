import { readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchSession } from '../workloads/session.js'
import type { Peer } from './peer.js'

/** Writes a file so that a reader gets the old or the new content. */
export type WriteFile = (file: string, content: string) => Promise<void>

/** A file of JSON for each session in one directory, as it is done by hand. */
export class JsonFilesPeer implements Peer {
  readonly #directory: string
  readonly #write: () => Promise<WriteFile>
  #writeFile: WriteFile | undefined

  constructor(directory: string, write: () => Promise<WriteFile>) {
    this.#directory = directory
    this.#write = write
  }

  async open(): Promise<void> {
    this.#writeFile = await this.#write()
  }

  async save(key: string, session: BenchSession): Promise<void> {
    await this.#writeFile?.(this.#file(key), JSON.stringify(session))
  }

  async load(key: string): Promise<BenchSession | undefined> {
    return JSON.parse(await readFile(this.#file(key), 'utf8')) as BenchSession
  }

  touch(key: string): Promise<void> {
    const now = new Date()
    return utimes(this.#file(key), now, now)
  }

  async close(): Promise<void> {}

  #file(key: string): string {
    return join(this.#directory, `${key}.json`)
  }
}
