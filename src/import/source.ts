/*
 * What a source of sessions is: a place where another session store keeps them. It is only ever read.
 */

/** What was found where a session should be. */
export type Finding =
  | {
      readonly state: 'session'
      readonly session: Record<string, unknown>
      /** When it expires where it comes from, in milliseconds since the epoch. */
      readonly expiresAt: number
    }
  | { readonly state: 'expired' }
  /** It was listed, and has been deleted since. */
  | { readonly state: 'gone' }
  /** Something that the other store leaves about and that never held a session, such as a placeholder. */
  | { readonly state: 'foreign' }
  | {
      readonly state: 'unreadable'
      /** What is wrong with it, as in `cannot be decoded`; one of a few, and nothing of the session or its key in it. */
      readonly reason: string
      /** What is wrong with the secret, if it is its fault. */
      readonly secret?: SecretProblem
    }

/**
 * The same, and of which file: its inode number, by which its owner finds it, or 0 if unknown. The file's name is the
 * session key, and not to be shown.
 */
export type Reading = Finding & { readonly inode: number }

/** A secret that does not fit, one that is needed and was not given, or one that was given for nothing. */
export type SecretProblem = 'wrong' | 'missing' | 'needless'

/** One thing in a source's directory. */
export type SourceEntry =
  | { readonly key: string; read(): Promise<Reading> }
  /** No session, by its name or its kind. */
  | { readonly key: undefined }

/** Sessions of another store. */
export interface SessionSource {
  /**
   * Everything that is there, in no order, streamed; what is added or deleted meanwhile may be in it or not.
   * @throws the system's error where the directory cannot be listed
   */
  entries(): AsyncIterable<SourceEntry>
}
