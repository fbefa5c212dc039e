import { existsSync } from 'node:fs'
import { SessionEngine } from '../../engine/session-engine.js'
import { redis } from '../../storage/redis.js'
import { type MovingOptions, openDirectory } from '../open-directory.js'
import { requireDirectory } from '../store-options.js'
import type { Address } from './address.js'

/** Which end of a copy it is. */
export type End = 'source' | 'target'

/** How sessions are stored at one end. */
export interface EndOptions {
  readonly end: End
  readonly prefix: string | undefined
  /** Of a directory. */
  readonly layout: 'sharded' | 'flat' | undefined
  readonly hashNames: boolean
  readonly fsync: boolean
  /** Of a server whose URL has none. */
  readonly password: string | undefined
  readonly maxRecordBytes: number
}

/** Milliseconds that a server may take: nobody waits for an answer here. */
const COMMAND_TIMEOUT = 30_000

/**
 * Opens one end. A directory that sessions come from has to be there; one that they go to is made.
 * @throws {TypeError} for a wrong option, naming it, and when the sessions there are another user's
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function openEnd(
  address: Address,
  { end, prefix, layout, hashNames, fsync, password, maxRecordBytes }: EndOptions,
  moving: MovingOptions,
): Promise<SessionEngine> {
  if (address.kind === 'files') {
    const { directory } = address
    if (end === 'source' || existsSync(directory)) requireDirectory(directory)
    const options = {
      hashNames,
      fsync,
      maxRecordBytes,
      ...(prefix === undefined ? {} : { prefix }),
      ...(layout === undefined ? {} : { layout }),
    }
    return await openDirectory(directory, options, moving)
  }
  const { url, cluster } = address
  const { codec, seal, atOnce } = moving
  const hasPassword = new URL(url).password !== ''
  return new SessionEngine({
    storage: redis({
      url,
      cluster,
      maxRecordBytes,
      commandTimeout: COMMAND_TIMEOUT,
      ...(prefix === undefined ? {} : { prefix }),
      ...(password === undefined || hasPassword ? {} : { password }),
    }),
    codec,
    sweepInterval: false,
    maxPending: { bytes: atOnce * maxRecordBytes },
    ...(seal === undefined ? {} : { seal }),
  })
}
