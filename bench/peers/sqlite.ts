import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { BenchSession } from '../workloads/session.js'
import type { Peer } from './peer.js'

/** Options of {@link SqlitePeer}. */
export interface SqlitePeerOptions {
  readonly directory: string
  /** Whether what is acknowledged survives a power cut: `synchronous = FULL`, else `NORMAL`. */
  readonly sync: boolean
}

/** What `better-sqlite3` and Node's own `node:sqlite` have in common. */
interface Database {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): unknown
}

interface Statement {
  get(...values: unknown[]): unknown
  run(...values: unknown[]): unknown
}

type DatabaseClass = new (file: string) => Database

const require = createRequire(import.meta.url)
const TWO_WEEKS = 1_209_600_000

const SCHEMA =
  'CREATE TABLE sessions (key TEXT PRIMARY KEY, expires INTEGER NOT NULL, session TEXT NOT NULL) WITHOUT ROWID'
const SAVE =
  'INSERT INTO sessions (key, expires, session) VALUES (?, ?, ?) ' +
  'ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, session = excluded.session'

/** Which SQLite there is; `undefined` when none is. */
export function findSqlite(): 'better-sqlite3' | 'node:sqlite' | undefined {
  if (attempt(() => new (require('better-sqlite3') as DatabaseClass)(':memory:').close()))
    return 'better-sqlite3'
  return attempt(() => require('node:sqlite')) ? 'node:sqlite' : undefined
}

/**
 * SQLite with a log of its own in front (WAL), a statement for each session as session stores for Express do it. All of it is
 * done on the main thread, so a save is done when the call returns, and the event loop waits for the disk.
 */
export class SqlitePeer implements Peer {
  readonly #options: SqlitePeerOptions
  #database: Database | undefined
  #save: Statement | undefined
  #load: Statement | undefined
  #touch: Statement | undefined

  constructor(options: SqlitePeerOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { directory, sync } = this.#options
    const database = new (classOf())(join(directory, 'sessions.db'))
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync ? 'FULL' : 'NORMAL'}; ${SCHEMA}`)
    this.#save = database.prepare(SAVE)
    this.#load = database.prepare('SELECT session FROM sessions WHERE key = ? AND expires > ?')
    this.#touch = database.prepare('UPDATE sessions SET expires = ? WHERE key = ?')
    this.#database = database
  }

  async save(key: string, session: BenchSession): Promise<void> {
    this.#save?.run(key, Date.now() + TWO_WEEKS, JSON.stringify(session))
  }

  async load(key: string): Promise<BenchSession | undefined> {
    const row = this.#load?.get(key, Date.now()) as { session: string } | undefined
    return row === undefined ? undefined : (JSON.parse(row.session) as BenchSession)
  }

  async touch(key: string): Promise<void> {
    this.#touch?.run(Date.now() + TWO_WEEKS, key)
  }

  async close(): Promise<void> {
    this.#database?.close()
  }
}

function classOf(): DatabaseClass {
  switch (findSqlite()) {
    case 'better-sqlite3':
      return require('better-sqlite3') as DatabaseClass
    case 'node:sqlite':
      return (require('node:sqlite') as { DatabaseSync: DatabaseClass }).DatabaseSync
    default:
      throw new Error('there is neither better-sqlite3 nor node:sqlite')
  }
}

function attempt(step: () => unknown): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}
