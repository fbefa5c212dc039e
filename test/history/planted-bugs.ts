import { type FilesOptions, files, type SessionEngine, type StorageDescription } from 'coatcheck'
import type { JournalWorkerOptions } from '#dist/workers/files/journal/options.js'
import type { FilesWorkerOptions } from '#dist/workers/files/options.js'

/** What the product might do wrong: each a promise that it breaks. `update takes its time` is none: it is to be found innocent. */
export type Bug =
  | 'update takes its time'
  | 'delete leaves no tombstone'
  | 'create looks, then renames'
  | 'replace does not compare'
  | 'replace takes no claim'
  | 'load answers from an old copy'
  | 'acknowledged before it is in place'
  | 'touch puts back what it has read'
  | 'journal is not asked'
  | 'journal ends too early'
  | 'saves of one turn are one'

/** What planted-worker.js is opened with. */
export interface BuggyOptions {
  readonly bug: Bug
  readonly files: FilesWorkerOptions
  /** It is the journal's worker that has the bug. */
  readonly journal?: JournalWorkerOptions
}

/** The files storage with a bug in its workers. */
export function buggyFiles(bug: Bug, filesOptions: FilesOptions): StorageDescription {
  const real = files(filesOptions)
  const module = new URL('planted-worker.js', import.meta.url).href
  const options: BuggyOptions = { bug, files: real.options as FilesWorkerOptions }
  const { journal } = real
  if (journal?.role !== 'ahead') return { ...real, module, options }
  return { ...real, journal: { ...journal, module, options: { ...options, journal: journal.options } } }
}

/** The engine with a bug, if it is one of the main thread. */
export function buggyEngine(bug: Bug | undefined, engine: SessionEngine): SessionEngine {
  if (bug !== 'saves of one turn are one') return engine
  const save = engine.save.bind(engine)
  const saving = new Map<string, Promise<void>>()
  engine.save = (key, session, expiry) => {
    const earlier = saving.get(key)
    if (earlier !== undefined) return earlier
    const saved = save(key, session, expiry)
    saving.set(key, saved)
    setImmediate(() => saving.delete(key))
    return saved
  }
  return engine
}
