import type { SessionEngine, SessionVersion } from 'coatcheck'

/*
 * What is tried: each operation on a key in each state, and what it does there when nothing fails.
 */

const HOUR = 3_600_000
const NOW = Date.now()

/** A session as it is stored. */
export interface Stored {
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly expires: number
}

/** What is stored before an operation where there is a session. */
export const OLD: Stored = { version: 1, expires: NOW + 2 * HOUR }
/** What an operation stores. */
export const NEW: Stored = { version: 2, expires: NOW + 3 * HOUR }
/** What is stored when the fault has ended. */
export const NEXT: Stored = { version: 3, expires: NOW + 4 * HOUR }

/** What stands in a key's place. With a journal, in memory, or in files where it says so. */
export type State =
  | 'new directory'
  | 'absent'
  | 'live'
  | 'live in file'
  | 'expired'
  | 'expired in file'
  | 'deleted'

/** What an operation comes to. */
export interface Due {
  /** What its caller hears, in a word: a value, or an error's name. */
  readonly outcome: string
  /** What is stored then. */
  readonly after: Stored | undefined
}

interface Operation {
  readonly name: string
  issue(engine: SessionEngine, key: string, version: SessionVersion): Promise<unknown>
  /** Where there is a session. */
  readonly live: Due
  /** Where there is none. */
  readonly none: Due
}

/** One operation on a key in one state. */
export interface Trial extends Pick<Operation, 'name' | 'issue'> {
  readonly state: State
  readonly before: Stored | undefined
  readonly due: Due
}

/** Saves a session as it is to be stored. */
export function store(engine: SessionEngine, key: string, { version, expires }: Stored): Promise<void> {
  return engine.save(key, { version }, { expires: new Date(expires) })
}

const content = { version: NEW.version }
const expiry = { expires: new Date(NEW.expires) }
const LATER: Stored = { ...OLD, expires: NOW + 9 * HOUR }
const SOONER: Stored = { ...OLD, expires: NOW + HOUR }
const STORED: Due = { outcome: 'undefined', after: NEW }
const MISSING: Due = { outcome: 'false', after: undefined }

const OPERATIONS: readonly Operation[] = [
  {
    name: 'create',
    issue: (engine, key) => engine.create(key, content, expiry),
    live: { outcome: 'CreateError', after: OLD },
    none: STORED,
  },
  {
    name: 'update',
    issue: (engine, key) => engine.update(key, content, expiry),
    live: STORED,
    none: { outcome: 'UpdateError', after: undefined },
  },
  { name: 'save', issue: (engine, key) => store(engine, key, NEW), live: STORED, none: STORED },
  {
    name: 'replace',
    issue: (engine, key, version) => engine.replace(key, content, version, expiry).then(() => 'replaced'),
    live: { outcome: 'replaced', after: NEW },
    none: { outcome: 'UpdateError', after: undefined },
  },
  {
    name: 'longer touch',
    issue: (engine, key) => engine.touch(key, { expires: new Date(LATER.expires) }),
    live: { outcome: 'true', after: LATER },
    none: MISSING,
  },
  {
    name: 'shorter touch',
    issue: (engine, key) => engine.touch(key, { expires: new Date(SOONER.expires) }),
    live: { outcome: 'true', after: SOONER },
    none: MISSING,
  },
  {
    name: 'ending touch',
    issue: (engine, key) => engine.touch(key, { expires: new Date(1) }),
    live: { outcome: 'true', after: undefined },
    none: MISSING,
  },
  {
    name: 'load',
    issue: async (engine, key) => (await engine.load(key))?.version,
    live: { outcome: String(OLD.version), after: OLD },
    none: { outcome: 'undefined', after: undefined },
  },
  {
    name: 'exists',
    issue: (engine, key) => engine.exists(key),
    live: { outcome: 'true', after: OLD },
    none: MISSING,
  },
  {
    name: 'delete',
    issue: (engine, key) => engine.delete(key),
    live: { outcome: 'undefined', after: undefined },
    none: { outcome: 'undefined', after: undefined },
  },
]

const STATES: readonly State[] = [
  'new directory',
  'absent',
  'live',
  'live in file',
  'expired',
  'expired in file',
  'deleted',
]

/** All trials of a durability. */
export function trialsOf(durability: 'direct' | 'journal'): Trial[] {
  const states = STATES.filter((state) => durability === 'journal' || !state.endsWith('in file'))
  return OPERATIONS.flatMap(({ name, issue, live, none }) =>
    states.map((state): Trial => {
      const isLive = state.startsWith('live')
      return { name, issue, state, before: isLive ? OLD : undefined, due: isLive ? live : none }
    }),
  )
}

/** Brings a key into a state; nothing fails meanwhile. */
export async function prepare(engine: SessionEngine, key: string, state: State): Promise<void> {
  if (state === 'new directory' || state === 'absent') return
  const expires = state.startsWith('expired') ? 1000 : OLD.expires
  await store(engine, key, { version: OLD.version, expires })
  if (state === 'deleted') await engine.delete(key)
  if (state.endsWith('in file')) await engine.flush({ files: true })
}

/** A session as it is stored now. */
export async function look(engine: SessionEngine, key: string): Promise<Stored | undefined> {
  const found = await engine.loadWithExpiry(key)
  if (found === undefined) return undefined
  return { version: Number(found.session.version), expires: found.expires.getTime() }
}

/** Whether two are the same, but for the fraction of a millisecond that a file's time loses. */
export function isSame(one: Stored | undefined, other: Stored | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.version === other.version && Math.abs(one.expires - other.expires) <= 1
}
