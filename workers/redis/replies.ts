/** What a server is told: a command's words. */
export type Words = readonly (string | Buffer)[]

/** A server said no, in a word that tells why: `MOVED`, `OOM`, `WRONGTYPE`. */
export class Refusal {
  readonly code: string
  /** What stands behind the word: for a `MOVED`, where to. It may name keys, and is never shown. */
  readonly details: string

  constructor(message: string) {
    const [code = 'ERR'] = message.split(' ', 1)
    this.code = code
    this.details = message.slice(code.length + 1)
  }
}

/** There is no answer: `sent` where the server may have done it all the same. */
export class Unanswered {
  readonly sent: boolean
  /** Why: a system error's code. */
  readonly code: string

  constructor(sent: boolean, code: string) {
    this.sent = sent
    this.code = code
  }
}

/** In the place of an answer where nobody is known who could be asked. */
export const NOBODY = new Unanswered(false, 'CLUSTERDOWN')

/** What a server answers, or what stands for it. Text that it stores comes as bytes. */
export type Reply = string | number | Buffer | null | readonly Reply[] | Refusal | Unanswered

/** Whether an answer is none of the command itself. */
export function isTrouble(reply: Reply): reply is Refusal | Unanswered {
  return reply instanceof Refusal || reply instanceof Unanswered
}

/** The code of a write that the master has, and not as many replicas as it should have. */
export const UNCONFIRMED = 'UNCONFIRMED'

/** What will be over by itself, or elsewhere: the command was not done, and is to be sent again. */
const PASSING: ReadonlySet<string> = new Set([
  'MOVED',
  'ASK',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'READONLY',
  'NOSCRIPT',
  'UNBLOCKED',
  'BUSY',
])

/** Whether a command is to be sent again. */
export function isPassing(trouble: Refusal | Unanswered): boolean {
  return trouble instanceof Unanswered || PASSING.has(trouble.code)
}

/** What is to be done about it, in words without keys; without commas and quotes, at which system errors are cut off. */
const ADVICE: Readonly<Record<string, string>> = {
  [UNCONFIRMED]:
    'the master has it but too few replicas have said so in time: it may be lost with the master',
  ETIMEDOUT: 'no answer in time (commandTimeout); it may have been done all the same',
  ECONNRESET:
    'the connection was lost and there was no other in time (commandTimeout); it may have been done all the same',
  ECONNREFUSED: 'nobody listens at the address of the server',
  OOM: 'the server has no memory left (maxmemory); the stored version stays as it was; give it more memory or a policy that evicts',
  WRONGTYPE:
    'a value of another type stands under the key of this session and was left untouched; use a prefix of its own',
  NOAUTH: 'the server asks for a password: set the option password',
  DENIED:
    'the server is in protected mode and lets in nobody from another machine: give it a password or set its protected-mode to no',
  WRONGPASS: 'the server refused username or password',
  NOPERM: 'the user may not do this: grant it +@read +@write +@scripting +wait on the keys of the prefix',
  MISCONF: 'the server cannot save its data to disk and refuses writes: see its log',
  READONLY: 'the server is a replica: name its master or use the option cluster',
  MAXCLIENTS: 'the server has as many connections as it accepts: raise its maxclients',
  NOREPLICAS: 'the server has too few replicas to accept writes (min-replicas-to-write)',
  CLUSTERDOWN: 'the cluster does not serve this key at present',
  LOADING: 'the server is still loading its data',
  CROSSSLOT: 'the server is part of a cluster: use the option cluster',
  MOVED: 'the server is part of a cluster: use the option cluster',
}

/** The words for a code; no key and no payload is in them. */
export function adviceFor(code: string): string {
  return ADVICE[code] ?? 'the server did not do it'
}
