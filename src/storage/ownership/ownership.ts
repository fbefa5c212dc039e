import { randomBytes } from 'node:crypto'
import { accessSync, constants, linkSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { refuseLink } from '../../../workers/files/open-directory.js'
import { unlinkAnyway, unlinkIfPresent } from '../../../workers/files/unlink.js'
import { hasCode, type Ownership, systemError } from '../../../workers/protocol/index.js'
import { OwnedError } from '../../errors.js'
import { knock, SignOfLife, SocketDirectory } from './endpoint.js'

/** Milliseconds between two looks at those who want the same. */
const LOOK_AGAIN = 10
/** Milliseconds that contenders have to sort it out among themselves, and that a recovery may take. */
const CONTENTION = 60_000
/** So often the directory may go from under us, one time after the other: past it something else is wrong. */
const MOST_VANISHED = 32

const NAME = /^(owner|recovery|contender)-([0-9]+)-([0-9a-f]{16})\.sock$/

/** `owner`: has it until it closes. `recovery`: only until it has brought a journal to files. `contender`: wants it. */
type Claim = 'owner' | 'recovery' | 'contender'
const CLAIMS: readonly Claim[] = ['owner', 'recovery', 'contender']

interface Rival {
  readonly claim: Claim
  readonly pid: number
  readonly token: string
}

/** Options of {@link ownDirectory}. */
export interface OwnOptions {
  /** What for. */
  readonly claim: 'owner' | 'recovery'
  /** Milliseconds to wait for another owner to go. */
  readonly timeout: number
}

/**
 * Makes this engine the one that owns a journal's directory.
 *
 * Everybody announces himself first and looks at the others then, so of two who want it at once at least the later one sees
 * the other. The announcement stays where it is until its maker goes, and the owner's mark is a second name of it: whoever
 * lists the names while somebody changes his state must not miss him. Who sees an owner gives way; of two contenders the
 * one with the greater token does. Signs of life are sockets: those of a process that has died count for nothing, and
 * the next owner removes them.
 *
 * @throws {OwnedError} when another live engine has it
 * @throws the system's error, when signs of life cannot be shown there
 */
export async function ownDirectory(directory: string, options: OwnOptions): Promise<Ownership> {
  // Its sockets are in no directory: every attempt would fail as if somebody had just taken it away.
  if (process.platform === 'win32') {
    throw systemError('ENOTSUP', 'listen', 'a journal needs sockets in the file system, which Windows lacks')
  }
  const deadline = performance.now() + options.timeout
  const givingUp = performance.now() + Math.max(options.timeout, CONTENTION)
  for (let vanished = 0; ; ) {
    makeDirectory(directory)
    const outcome = await attempt(directory, options.claim)
    if ('gone' in outcome) {
      if (++vanished === MOST_VANISHED) throw outcome.gone
      await delay(LOOK_AGAIN)
      continue
    }
    if (!('rival' in outcome)) return outcome
    vanished = 0
    const { rival, connection } = outcome
    try {
      // A recovery ends by itself, and contenders sort it out: those are waited for in any case.
      const until = rival.claim === 'owner' ? deadline : givingUp
      const left = until - performance.now()
      if (left <= 0) throw new OwnedError(rival.pid)
      await gone(connection, rival.claim === 'contender' ? LOOK_AGAIN : left)
    } finally {
      connection?.destroy()
    }
  }
}

/**
 * The process that owns a journal's directory; `undefined` without a live one.
 */
export async function ownerOf(directory: string): Promise<{ readonly pid: number } | undefined> {
  const sockets = new SocketDirectory(directory)
  try {
    for (const rival of listRivals(directory)) {
      if (rival.claim !== 'owner') continue
      const connection = await knock(announcementOf(sockets, rival))
      if (connection === undefined) continue
      if (connection !== 'unreachable') connection.destroy()
      return { pid: rival.pid }
    }
    return undefined
  } finally {
    sockets.close()
  }
}

/** Whether a file of a journal's directory is a sign of life, of a process that may be dead. */
export function isSignOfLife(name: string): boolean {
  return NAME.test(name)
}

interface Refused {
  readonly rival: Rival
  /** Ends when the rival does. */
  readonly connection: Socket | undefined
}

/** Our socket, or the whole directory, went with somebody who was just leaving or had taken us for dead. */
interface Vanished {
  /** What the system said. */
  readonly gone: unknown
}

async function attempt(
  directory: string,
  claim: 'owner' | 'recovery',
): Promise<Ownership | Refused | Vanished> {
  const token = randomBytes(8).toString('hex')
  const announced = nameOf({ claim: 'contender', pid: process.pid, token })
  let sockets: SocketDirectory
  try {
    sockets = new SocketDirectory(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { gone: error }
    throw error
  }
  let sign: SignOfLife | undefined
  try {
    sign = await SignOfLife.show(sockets.address(announced))
    const refused = await contend(directory, sockets, token)
    if (refused === undefined) {
      const mark = nameOf({ claim, pid: process.pid, token })
      linkSync(`${directory}/${announced}`, `${directory}/${mark}`)
      return new HeldOwnership(directory, [mark, announced], sign, sockets)
    }
    await withdraw(directory, [announced], sign, sockets)
    return refused
  } catch (error) {
    await withdraw(directory, [announced], sign, sockets)
    // libuv says EACCES when a socket's directory is missing, too.
    const isGone = hasCode(error, 'ENOENT') || (hasCode(error, 'EACCES') && mayWrite(directory))
    if (!isGone) throw error
    return { gone: error }
  }
}

async function withdraw(
  directory: string,
  names: readonly string[],
  sign: SignOfLife | undefined,
  sockets: SocketDirectory,
): Promise<void> {
  // A name that stays is a dead one: the next owner removes it.
  for (const name of names) unlinkAnyway(`${directory}/${name}`)
  await sign?.end()
  sockets.close()
}

/** Looks at all others, until there is nobody to give way to, and nobody left who has yet to give way. */
async function contend(
  directory: string,
  sockets: SocketDirectory,
  token: string,
): Promise<Refused | undefined> {
  const since = performance.now()
  for (;;) {
    const dead: Rival[] = []
    let waiting: Rival | undefined
    for (const rival of listRivals(directory)) {
      if (rival.token === token) continue
      const connection = await knock(announcementOf(sockets, rival))
      if (connection === undefined) {
        dead.push(rival)
        continue
      }
      const reachable = connection === 'unreachable' ? undefined : connection
      if (rival.claim !== 'contender' || rival.token < token) return { rival, connection: reachable }
      reachable?.destroy()
      waiting = rival
    }
    if (waiting === undefined) {
      for (const { pid, token: deadToken } of dead) {
        for (const claim of CLAIMS)
          unlinkIfPresent(`${directory}/${nameOf({ claim, pid, token: deadToken })}`)
      }
      return undefined
    }
    if (performance.now() - since > CONTENTION) return { rival: waiting, connection: undefined }
    await delay(LOOK_AGAIN)
  }
}

class HeldOwnership implements Ownership {
  readonly #directory: string
  readonly #names: readonly string[]
  readonly #sign: SignOfLife
  readonly #sockets: SocketDirectory

  constructor(directory: string, names: readonly string[], sign: SignOfLife, sockets: SocketDirectory) {
    this.#directory = directory
    this.#names = names
    this.#sign = sign
    this.#sockets = sockets
  }

  async release(clean: boolean): Promise<void> {
    await withdraw(this.#directory, this.#names, this.#sign, this.#sockets)
    if (!clean) return
    try {
      rmdirSync(this.#directory)
    } catch {
      // Somebody else is there already, or it holds what was kept aside.
    }
  }
}

function nameOf({ claim, pid, token }: Rival): string {
  return `${claim}-${pid}-${token}.sock`
}

/** Where somebody can be knocked at, whatever he claims by now. */
function announcementOf(sockets: SocketDirectory, { pid, token }: Rival): string {
  return sockets.address(nameOf({ claim: 'contender', pid, token }))
}

function listRivals(directory: string): Rival[] {
  const rivals = new Map<string, Rival>()
  for (const name of readdirSync(directory)) {
    const [, claim, pid, token] = NAME.exec(name) ?? []
    if (claim === undefined || pid === undefined || token === undefined) continue
    // An owner's mark says more than his announcement.
    if (claim === 'contender' && rivals.has(token)) continue
    rivals.set(token, { claim: claim as Claim, pid: Number(pid), token })
  }
  return [...rivals.values()]
}

function mayWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    return hasCode(error, 'ENOENT')
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    refuseLink(directory)
  }
}

/** Resolves when a connection ends, or after so many milliseconds. */
async function gone(connection: Socket | undefined, milliseconds: number): Promise<void> {
  const timer = new AbortController()
  const late = delay(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined)
  const closed = new Promise<void>((resolve) => {
    if (connection === undefined) return
    if (connection.destroyed) resolve()
    else connection.once('close', () => resolve())
  })
  // Whoever cannot be talked to is looked at again and again.
  const pause = connection === undefined ? delay(Math.min(milliseconds, LOOK_AGAIN * 10)) : late
  await Promise.race([late, closed, pause])
  timer.abort()
}
