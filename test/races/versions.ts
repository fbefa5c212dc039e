import { createHash } from 'node:crypto'

/** A session that proves itself: torn or mixed ones do not. */
export interface VersionedSession {
  readonly version: number
  readonly filling: string
  readonly checksum: string
}

function checksumOf(key: string, version: number, filling: string): string {
  return createHash('sha256').update(`${key}\0${version}\0${filling}`).digest('hex')
}

/** The session of a key in a version; sizes differ from version to version. */
export function makeVersion(key: string, version: number): VersionedSession & Record<string, unknown> {
  const filling = String.fromCharCode(97 + (version % 26)).repeat((version * 997) % 12_000)
  return { version, filling, checksum: checksumOf(key, version, filling) }
}

/** The version of a session that is whole; throws for any other. */
export function versionOf(key: string, session: unknown): number {
  const { version, filling, checksum } = session as VersionedSession
  if (checksumOf(key, version, filling) !== checksum) throw new Error(`a torn session: version ${version}`)
  return version
}
