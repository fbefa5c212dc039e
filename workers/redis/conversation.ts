import { type ConnectionTally, describeFailure, type ReplyWriter, systemError } from '../protocol/index.js'
import { pause } from './backoff.js'
import type { Exchange } from './exchanges/exchange.js'
import type { ReplicaAcknowledgement } from './options.js'
import {
  adviceFor,
  isPassing,
  isTrouble,
  NOBODY,
  Refusal,
  type Reply,
  UNCONFIRMED,
  Unanswered,
  type Words,
} from './replies.js'
import { inFull } from './scripts.js'
import type { ServerLinks } from './server-links.js'
import type { Servers } from './servers.js'

/** Options of {@link converse}. */
export interface ConversationOptions {
  readonly servers: Servers
  readonly reply: ReplyWriter
  readonly acknowledge: ReplicaAcknowledgement | undefined
  readonly tally: ConnectionTally
  /** When what has no answer is given up, as `performance.now()` has it. */
  readonly deadline: number
}

/** What is to be sent next of an exchange. */
interface Turn {
  readonly exchange: Exchange
  readonly commands: readonly Words[]
  /** Who a server has named for it; else it is whoever has the key. */
  readonly to: ServerLinks | undefined
  /** Whether that one is to be told that it comes by another's word. */
  readonly asking: boolean
  /** What kept it from being done the last time. */
  readonly trouble: Refusal | Unanswered | undefined
}

/** Milliseconds before the deadline at which another round is not begun: it would end without an answer, and tell less than the last one. */
const SHORTEST_ROUND = 3
/** Times that a batch is sent on without a pause. */
const MOVES_AT_ONCE = 4
const ASKING: Words = ['ASKING']

/**
 * Leads the exchanges of a batch to their ends: all that goes to one server in one go, round by round. What a server did
 * not do, because it is down, is no longer in charge or not yet, is sent again, until it is too late.
 */
export async function converse(exchanges: readonly Exchange[], options: ConversationOptions): Promise<void> {
  const { servers, deadline } = options
  const { patience } = servers
  // Of whoever is no longer in charge, the connection is ended then, and with it the waiting for its answer.
  const watch = patience && setInterval(() => void servers.refresh(deadline), patience)
  try {
    await sayInRounds(exchanges, options)
  } finally {
    clearInterval(watch)
  }
}

async function sayInRounds(exchanges: readonly Exchange[], options: ConversationOptions): Promise<void> {
  const { servers, tally, deadline, reply } = options
  let turns = exchanges.map((exchange) => turnOf(exchange, exchange.begin(false)))
  let failures = 0
  let moves = 0
  for (let latest = deadline; turns.length > 0; latest = deadline - SHORTEST_ROUND) {
    if (performance.now() >= latest) {
      for (const { exchange, trouble } of turns) giveUp(exchange, trouble, reply)
      return
    }
    const said = await Promise.all(
      [...byServer(turns, servers)].map(([to, some]) => sayAll(to, some, options)),
    )
    turns = said.flat()
    const troubled = turns.filter(({ trouble }) => trouble !== undefined)
    if (troubled.length === 0) continue
    tally.retried(troubled.length)
    if (troubled.some(({ to }) => to === undefined)) {
      await servers.refresh(deadline)
      await pause(failures++, deadline)
      // A server has said who to turn to: others of its slots may have moved, too.
    } else if (troubled.some(({ trouble }) => isMove(trouble) && trouble.code === 'MOVED')) {
      void servers.refresh(deadline)
      // Two that name each other would be asked as fast as they can answer.
      if (++moves > MOVES_AT_ONCE) await pause(failures++, deadline)
    }
  }
}

function turnOf(exchange: Exchange, commands: readonly Words[]): Turn {
  return { exchange, commands, to: undefined, asking: false, trouble: undefined }
}

function byServer(turns: readonly Turn[], servers: Servers): Map<ServerLinks | undefined, Turn[]> {
  const groups = new Map<ServerLinks | undefined, Turn[]>()
  for (const turn of turns) {
    const to = turn.to ?? servers.linksFor(turn.exchange.key)
    const group = groups.get(to)
    if (group === undefined) groups.set(to, [turn])
    else group.push(turn)
  }
  return groups
}

/** Says to one server what there is to say, and returns what there is to say after that. */
async function sayAll(
  to: ServerLinks | undefined,
  turns: readonly Turn[],
  options: ConversationOptions,
): Promise<Turn[]> {
  if (to === undefined) return turns.map((turn) => again(turn, NOBODY, to, options.servers))
  const { acknowledge, deadline } = options
  const commands = turns.flatMap(({ commands: own, asking }) => {
    return asking ? own.flatMap((words) => [ASKING, words]) : own
  })
  const waits = acknowledge !== undefined && turns.some(({ exchange }) => exchange.writes)
  if (waits) commands.push(['WAIT', `${acknowledge.replicas}`, `${acknowledge.timeoutMs}`])
  const replies = await to.next.send(commands, deadline)
  const confirmed = waits ? Number(replies.at(-1)) >= acknowledge.replicas : undefined
  let at = 0
  return turns.flatMap((turn) => {
    const own = turn.commands.map(() => {
      if (turn.asking) at++
      const own = replies[at++]
      // `null` is an answer.
      return own === undefined ? NOBODY : own
    })
    return hear(turn, own, { to, confirmed }, options) ?? []
  })
}

/** Makes of the answers what they mean; `undefined` when there is no more to say. */
function hear(
  turn: Turn,
  replies: readonly Reply[],
  { to, confirmed }: { readonly to: ServerLinks; readonly confirmed: boolean | undefined },
  { reply, servers }: ConversationOptions,
): Turn | undefined {
  const { exchange } = turn
  const trouble = replies.find(isTrouble)
  if (trouble !== undefined) {
    if (isPassing(trouble)) return again(turn, trouble, to, servers)
    giveUp(exchange, trouble, reply)
    return undefined
  }
  const commands = exchange.take(replies)
  if (commands !== undefined) return turnOf(exchange, commands)
  const isConfirmed = confirmed === undefined || (confirmed && !exchange.isHearsay)
  if (!isConfirmed && exchange.writes && reply.isDone(exchange.slot)) fail(exchange, UNCONFIRMED, reply)
  return undefined
}

/** The same once more, to whoever is in charge of it, as far as the trouble tells. */
function again(
  turn: Turn,
  trouble: Refusal | Unanswered,
  to: ServerLinks | undefined,
  servers: Servers,
): Turn {
  const { exchange, commands } = turn
  if (trouble instanceof Unanswered) {
    // Some of it may have been done: from the beginning, then.
    return { ...turnOf(exchange, exchange.begin(trouble.sent)), trouble }
  }
  if (trouble.code === 'NOSCRIPT') return { ...turn, commands: commands.map(inFull), to, trouble }
  // Its connections lead to whoever was the master once: anew they may lead to the one that is.
  if (trouble.code === 'READONLY') to?.reset()
  const named = isMove(trouble) ? servers.linksNamed(trouble, to) : undefined
  return { exchange, commands, to: named, asking: trouble.code === 'ASK', trouble }
}

function isMove(trouble: Refusal | Unanswered | undefined): trouble is Refusal {
  return trouble instanceof Refusal && (trouble.code === 'MOVED' || trouble.code === 'ASK')
}

function giveUp(exchange: Exchange, trouble: Refusal | Unanswered | undefined, reply: ReplyWriter): void {
  fail(exchange, trouble?.code ?? 'ETIMEDOUT', reply)
}

function fail({ slot }: Exchange, code: string, reply: ReplyWriter): void {
  reply.fail(describeFailure(slot, systemError(code, 'redis', adviceFor(code))))
}
