import {
  type CorruptNotice,
  carriesPayload,
  keyHash,
  Opcode,
  payloadAt,
  payloadDigest,
  ReplyReader,
  RequestWriter,
  type WorkerStorage,
} from '#dist/workers/protocol/index.js'

/** Milliseconds that sessions live: longer than any test. */
const LIFE = 600_000

/** One operation, which has a batch of its own. */
export interface SingleOperation {
  readonly opcode: Opcode
  readonly key: string
  /** Where it stores something. */
  readonly payload?: string
  /** The payload that has to stand there, where it asks for one. */
  readonly standing?: string | undefined
  /** Workers that have died with it in hand. */
  readonly attempt?: number
  /** Milliseconds that it has waited. */
  readonly age?: number
}

/** The codes of its failures: none, or one. */
export async function applied(storage: WorkerStorage, operation: SingleOperation): Promise<string[]> {
  const { opcode, key, payload = 'a session', standing, attempt = 0, age = 0 } = operation
  const writer = new RequestWriter(512)
  writer.append({
    opcode,
    key,
    hash: keyHash(key),
    expiry: Date.now() + LIFE,
    codec: 1,
    payload: carriesPayload(opcode) ? Buffer.from(payload) : undefined,
    expected: standing === undefined ? undefined : payloadDigest(Buffer.from(standing)),
  })
  const reply = await storage.apply(writer.toWire(attempt, [opcode, 7], undefined, age))
  if (reply === null) return []
  return new ReplyReader(reply).report().failures.map(({ code }) => code)
}

/** What loads find that are sent in one go, and what they tell of values that are no sessions. */
export async function loaded(
  storage: WorkerStorage,
  keys: readonly string[],
): Promise<{ readonly found: (string | undefined)[]; readonly notices: readonly CorruptNotice[] }> {
  const writer = new RequestWriter(512)
  for (const key of keys)
    writer.append({ opcode: Opcode.LOAD, key, hash: keyHash(key), expiry: 0, codec: 0, payload: undefined })
  const reply = new ReplyReader((await storage.apply(writer.toWire(0, [1, 7]))) ?? new ArrayBuffer(0))
  const found = keys.map((_, slot) => {
    const record = reply.record(slot)
    return record && Buffer.from(payloadAt(record)).toString()
  })
  return { found, notices: reply.report().corrupt }
}
