import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import session, { type SessionData, type Store } from 'express-session'
import sessionFileStore, { type Options } from 'session-file-store'

const FileStore = sessionFileStore(session)

/** Options that the real one knows and its types do not. */
export interface FileStoreOptions extends Omit<Options, 'encoding'> {
  crypto?: object
  encoding?: string | null
}

/** The real session-file-store, silent and without a timer. */
export function fileStore(path: string, options: FileStoreOptions = {}): Store {
  const all = { path, reapInterval: -1, retries: 0, logFn: () => {}, ...options }
  return new FileStore(all as Options)
}

/** Stores sessions as express-session hands them over, with a cookie that lasts so many milliseconds. */
export async function putSessions(
  store: Store,
  sessions: Readonly<Record<string, object>>,
  originalMaxAge: number | null = 600_000,
): Promise<void> {
  for (const [key, values] of Object.entries(sessions)) {
    const expires = originalMaxAge === null ? null : new Date(Date.now() + originalMaxAge).toISOString()
    const cookie = { path: '/', httpOnly: true, originalMaxAge, expires }
    await new Promise<void>((resolve, reject) => {
      store.set(key, { ...values, cookie } as unknown as SessionData, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }
}

/** Everything that can be seen of the files in a directory, but for when they were last read. */
export function traceOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of ['.', ...readdirSync(directory).sort()]) {
    const { mode, size, mtimeMs, ctimeMs, ino, nlink } = lstatSync(join(directory, name))
    hash.update(JSON.stringify([name, mode, size, mtimeMs, ctimeMs, ino, nlink]))
    if (lstatSync(join(directory, name)).isFile()) hash.update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex')
}
